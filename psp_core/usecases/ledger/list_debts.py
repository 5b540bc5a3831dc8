"""List what merchants owe, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import due_date
from psp_core.domain.ledger.balances import Debt
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store

DEBTS_LISTED_MAX = 1_000
OLD_DAYS = 20
"""Debt that is older needs a person: nothing has come in to repay it."""


@dataclass(frozen=True, slots=True)
class Debts:
    """The oldest debts, up to DEBTS_LISTED_MAX."""

    today: date
    listed: Sequence[Debt]

    @property
    def old(self) -> list[Debt]:
        """Return those that are older than OLD_DAYS."""
        return [debt for debt in self.listed if debt.age_days(self.today) > OLD_DAYS]


@dataclass(frozen=True, slots=True)
class ListDebts:
    store: Store
    clock: Clock
    zone: ZoneInfo

    def __call__(self) -> Debts:
        """Return the debts, the oldest first."""
        with self.store.begin() as work:
            return Debts(due_date(self.clock.now(), self.zone), work.ledger.debts(limit=DEBTS_LISTED_MAX))
