"""Create payables: what the merchants get for their transactions, and when."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from uuid import UUID
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import due_date
from psp_core.domain.ledger.journal import capture_entries
from psp_core.domain.payables import payables_for
from psp_core.domain.pricing.prices import Prices
from psp_core.ports.kernel import Clock, Ids
from psp_core.ports.store import Store


@dataclass(frozen=True, slots=True)
class PayablesOutcome:
    """`created` and `existing` count payables; `unknown` are ids that no transaction has."""

    created: int
    existing: int
    unknown: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class CreatePayables:
    store: Store
    clock: Clock
    ids: Ids
    zone: ZoneInfo

    def __call__(self, transaction_ids: Sequence[UUID]) -> PayablesOutcome:
        """Create the transactions' missing payables in one commit, and post them. Safe to repeat and to run at once."""
        with _without_a_search_for_cycles():
            return self._create(transaction_ids)

    def _create(self, transaction_ids: Sequence[UUID]) -> PayablesOutcome:
        # Sorted, so that two of these at once take the unique index's entries in one order.
        wanted = sorted(set(transaction_ids), key=attrgetter("int"))
        with self.store.begin() as work:
            sources = work.transactions.sources(wanted)
            prices = Prices(work.plan_rules.pricing(sources), zone=self.zone)
            now = self.clock.now()
            days = [(source.amount.currency, due_date(source.created_at, self.zone)) for source in sources]
            of_days = dict.fromkeys(days)
            ids = iter(self.ids.new(at=now, count=sum(source.installments for source in sources) + len(of_days)))
            entries = {day: next(ids) for day in of_days}
            rows = [
                payable
                for source, day in zip(sources, days, strict=True)
                for payable in payables_for(
                    source,
                    terms=prices.terms(source.sale, at=source.created_at),
                    zone=self.zone,
                    ids=ids,
                    now=now,
                    entry_id=entries[day],
                )
            ]
            captured = work.payables.add_missing(rows)
            work.ledger.post(capture_entries(entries, captured, now=now), today=due_date(now, self.zone))
        created = sum(item.count for item in captured)
        known = {source.transaction_id for source in sources}
        return PayablesOutcome(created, len(rows) - created, frozenset(wanted) - known)


@contextmanager
def _without_a_search_for_cycles() -> Iterator[None]:
    """Let Python not look for cycles in the rows of a commit: there are none, and it took two fifths of a drain's time.

    They are bounded, and gone with the commit; what else is a cycle is found after it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
