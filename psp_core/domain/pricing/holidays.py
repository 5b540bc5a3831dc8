"""Days that a calendar did not know: a bank holiday that was decreed at short notice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from psp_core.domain.kernel.calendar import BankCalendar


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
