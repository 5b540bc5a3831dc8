"""Repair: a transaction that has no payable after a while is put into the outbox again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from psp_core.ports import Clock, Store

ENTRY_TRANSACTIONS = 1_000


@dataclass(frozen=True, slots=True)
class RepairTransactions:
    store: Store
    clock: Clock

    def __call__(self, *, older_than: timedelta, younger_than: timedelta, limit: int) -> int:
        """Enqueue at most `limit` transactions of that age that have no payable; return how many.

        Harmless when their message is only late: payables are created once.
        """
        now = self.clock.now()
        with self.store.begin() as work:
            ids = work.transactions.without_payables(
                created_from=now - younger_than, created_before=now - older_than, limit=limit
            )
            for part in _parts(ids):
                work.outbox.add(part, now=now, traceparent=None)
        return len(ids)


def _parts(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), ENTRY_TRANSACTIONS):
        yield ids[start : start + ENTRY_TRANSACTIONS]
