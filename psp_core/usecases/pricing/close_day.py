"""Close a day in an emergency, and move what is due on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import BankCalendar, OpenDays
from psp_core.domain.kernel.errors import DayIsOpen, SettlementInProgress
from psp_core.domain.pricing.holidays import Holiday, Move
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store, UnitOfWork

COMMIT_PAYABLES = 1_000


@dataclass(frozen=True, slots=True)
class CloseDay:
    store: Store
    clock: Clock
    zone: ZoneInfo

    def emergencies(self, calendar: BankCalendar) -> list[Holiday]:
        """Return the days that were closed beside the calendar's own."""
        with self.store.begin() as work:
            return work.holidays.all(calendar)

    def add(self, calendar: BankCalendar, day: date, *, reason: str) -> bool:
        """Close the day for what is sold from now on, and tell whether it was open. Nothing that exists is moved."""
        holiday = Holiday(calendar, day, reason, self.clock.now())
        if not calendar.is_open(day):
            return False
        with self.store.begin() as work:
            return work.holidays.add(holiday)

    def preview(self, calendar: BankCalendar, day: date) -> Move:
        """Return what a move would do. Raises DayIsOpen."""
        with self.store.begin() as work:
            return Move(calendar, day, self._next_open(work, calendar, day), work.due_dates.totals(calendar, day))

    def move(self, calendar: BankCalendar, day: date, *, to: date) -> int:
        """Move what waits for the closed day and was not moved before to the open day `to`; return how many that were.

        Killed and called again, it goes on. Raises DayIsOpen, also where `to` is not the next open day any more, and
        SettlementInProgress while the day is being settled.
        """
        moved = 0
        with self.store.hold_due_date(day) as hold:
            if not hold:
                raise SettlementInProgress(day, holder=hold.holder)
            while True:
                with self.store.begin() as work:
                    # In the move's own commit: no settlement of the day begins in between.
                    work.leases.require(hold)
                    if self._next_open(work, calendar, day) != to:
                        raise DayIsOpen(f"the next open day after {day} is not {to} any more: look again")
                    count = work.due_dates.move(
                        calendar, day, to=to, zone=self.zone.key, now=self.clock.now(), limit=COMMIT_PAYABLES
                    )
                moved += count
                if count < COMMIT_PAYABLES:
                    return moved

    def _next_open(self, work: UnitOfWork, calendar: BankCalendar, day: date) -> date:
        days = OpenDays(calendar, frozenset(holiday.day for holiday in work.holidays.all(calendar)))
        if days.is_open(day):
            raise DayIsOpen(f"{day} is an open day of {calendar.value}: add it as a holiday first")
        return days.following(day)
