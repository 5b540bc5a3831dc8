"""Days that a calendar did not know: a bank holiday that was decreed at short notice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.kernel.money import Currency


@dataclass(frozen=True, slots=True)
class Holiday:
    """A closed day. What is sold from then on is not due on it; what was due on it before stays until it is moved."""

    calendar: BankCalendar
    day: date
    reason: str
    created_at: datetime

    def __post_init__(self) -> None:
        """Refuse a holiday of a calendar without closed days: raises ValueError."""
        if self.calendar is BankCalendar.EVERY_DAY:
            raise ValueError("the calendar every_day has no closed days")


@dataclass(frozen=True, slots=True)
class DueTotals:
    """What is due on a day in one currency, in minor units: what may be moved, and what was moved before and stays."""

    currency: Currency
    payables: int
    receivable_minor: int
    moved_before: int


@dataclass(frozen=True, slots=True)
class Move:
    """From a closed day to the next open one."""

    calendar: BankCalendar
    day: date
    to: date
    totals: list[DueTotals]

    @property
    def payables(self) -> int:
        """How many may be moved."""
        return sum(each.payables for each in self.totals)
