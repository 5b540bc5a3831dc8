"""Due dates that still need something: money that is due and not paid, or a report that is not written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from psp_core.domain.kernel.money import Currency
from psp_core.domain.settlement.settlements import Totals


@dataclass(frozen=True, slots=True)
class UnpaidDate:
    """What a date still owes, by currency and to how many merchants; nothing where only its report is missing."""

    due_on: date
    owed: Mapping[Currency, Totals] = field(default_factory=dict)
    merchants: int = 0
    lacks_report: bool = False
    """It has settlements that no written report holds."""

    @property
    def payables(self) -> int:
        return sum(totals.count for totals in self.owed.values())


@dataclass(frozen=True, slots=True)
class Debts:
    """What the oldest of several dates owe, and to how many merchants in all."""

    dates: Sequence[UnpaidDate]
    merchants: int


@dataclass(frozen=True, slots=True)
class UnpaidDates:
    """Every date that needs something, as of `today`; of the oldest also what they owe."""

    today: date
    unpaid: Sequence[date]
    unreported: Sequence[date]
    listed: Sequence[UnpaidDate]
    """The oldest that are unpaid or unreported."""

    merchants: int
    """To how many merchants the listed dates owe something."""

    @property
    def owed(self) -> dict[Currency, Totals]:
        """What the listed dates owe, by currency."""
        sums: dict[Currency, Totals] = {}
        for day in self.listed:
            for currency, totals in day.owed.items():
                sums[currency] = sums.get(currency, Totals()) + totals
        return sums

    def days_overdue(self, day: UnpaidDate) -> int:
        return (self.today - day.due_on).days
