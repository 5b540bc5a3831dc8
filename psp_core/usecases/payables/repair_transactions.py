"""Repair: a transaction that has no payable after a while is put into the outbox again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store

ENTRY_TRANSACTIONS = 1_000
LOOK_BACK = timedelta(days=7)
"""How far back it looks when nobody says: a message lives for 14 days."""


@dataclass(frozen=True, slots=True)
class RepairTransactions:
    store: Store
    clock: Clock
    older_than: timedelta

    def __call__(self, *, created_from: datetime | None = None, limit: int) -> int:
        """Enqueue at most `limit` transactions from then on that have no payable; return how many.

        Only those older than `older_than`: younger ones are on their way. Harmless for one whose
        message is only late: payables are created once.
        """
        now = self.clock.now()
        with self.store.begin() as work:
            ids = work.transactions.without_payables(
                created_from=created_from or now - LOOK_BACK, created_before=now - self.older_than, limit=limit
            )
            for part in _parts(ids):
                work.outbox.add(part, now=now, traceparent=None)
        return len(ids)


def _parts(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), ENTRY_TRANSACTIONS):
        yield ids[start : start + ENTRY_TRANSACTIONS]
