"""Compare what settling a date now would do with what is stored. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from psp_core.domain.settlement.difference import SettlementDifference, missing_lines
from psp_core.domain.settlement.settlements import merge_merchants
from psp_core.ports.store import Store
from psp_core.usecases.settlement.settle_payables import SettlePayables


@dataclass(frozen=True, slots=True)
class CompareSettlement:
    store: Store
    settle_payables: SettlePayables

    def __call__(self, *, due_on: date, merchants: Sequence[str] | None = None) -> SettlementDifference:
        """Return the lines that would be added, and those that are missing. Raises UnknownMerchant."""
        outcome = self.settle_payables(due_on=due_on, merchants=merchants, dry_run=True)
        with self.store.begin() as work:
            work.freeze()
            stored = [*work.settlements.settled(due_on), *work.settlements.gathered(due_on)]
            lines = work.settlement_lines.totals(due_on, merchants=merchants)
        asked = [each for each in stored if merchants is None or each.customer_id in merchants]
        added = merge_merchants([*outcome.settled, *outcome.available])
        return SettlementDifference(due_on, added, missing_lines(asked, lines))
