"""Create payables: what the merchants get for their transactions, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from uuid import UUID
from zoneinfo import ZoneInfo

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
        """Create the transactions' missing payables in one commit. Safe to repeat and to run at once."""
        # Sorted, so that two of these at once take the unique index's entries in one order.
        wanted = sorted(set(transaction_ids), key=attrgetter("int"))
        with self.store.begin() as work:
            sources = work.transactions.sources(wanted)
            prices = Prices(work.plan_rules.pricing(sources), zone=self.zone)
            now = self.clock.now()
            ids = iter(self.ids.new(at=now, count=sum(source.installments for source in sources)))
            rows = [
                payable
                for source in sources
                for payable in payables_for(
                    source,
                    terms=prices.terms(source.sale, at=source.created_at),
                    zone=self.zone,
                    ids=ids,
                    now=now,
                )
            ]
            created = work.payables.add_missing(rows)
        known = {source.transaction_id for source in sources}
        return PayablesOutcome(created, len(rows) - created, frozenset(wanted) - known)
