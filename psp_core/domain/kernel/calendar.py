"""Instants and due dates: when a payable is due, and on which date it is settled."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.closing import instant_of

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


class BankCalendar(StrEnum):
    """The days on which a fee plan's payables may fall due."""

    EVERY_DAY = "every_day"
    """Weekends and holidays included: the default plan's rule."""

    BRAZIL = "brazil"
    """Monday to Friday without the bank holidays of Brazil (FEBRABAN: the national holidays,
    Carnival's Monday and Tuesday, and Corpus Christi)."""

    def is_open(self, day: date) -> bool:
        """Tell whether a payable may fall due on `day`."""
        if self is BankCalendar.EVERY_DAY:
            return True
        return day.weekday() < _SATURDAY and day not in _brazilian_bank_holidays(day.year)


@dataclass(frozen=True, slots=True)
class OpenDays:
    """A bank calendar without the days that were closed in an emergency."""

    calendar: BankCalendar
    emergencies: frozenset[date] = frozenset()

    def is_open(self, day: date) -> bool:
        """Tell whether a payable may fall due on `day`."""
        return self.calendar.is_open(day) and day not in self.emergencies

    def following(self, day: date) -> date:
        """Return `day`, or the first open day after it."""
        while not self.is_open(day):
            day += _ONE_DAY
        return day

    def after(self, day: date, count: int) -> date:
        """Return the open day that is `count` open days after `day`; after none, `day` itself, be it open or not."""
        for _ in range(count):
            day = self.following(day + _ONE_DAY)
        return day

    def roll_forward(self, instant: datetime, *, zone: ZoneInfo) -> datetime:
        """Return `instant`, or on a closed day the same time of day on the first open day after it, in UTC.

        The days are those of `zone`: it is the due date that is rolled, and the UTC date can be another. Where the
        zone skips that time of day, the instant is as much later; it stays on the open day.
        """
        first = due_date(instant, zone)
        day = self.following(first)
        if day == first:
            return instant
        return datetime.combine(day, instant.astimezone(zone).time(), zone).astimezone(UTC)


def months_after(day: date, months: int) -> date:
    """Return the same day of the month so many months later, or that month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def due_date(instant: datetime, zone: ZoneInfo) -> date:
    """Return the settlement date of an instant: its calendar day in the platform's time zone.

    Raises ValueError for a naive instant, whose day would depend on the machine.
    """
    if instant.tzinfo is None:
        raise ValueError("a due date needs an instant with a time zone")
    return instant.astimezone(zone).date()


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of the calendar day in the time zone, in UTC."""
    return instant_of(datetime.combine(day, time.min), zone)


def newest_over(now: datetime, zone: ZoneInfo) -> date:
    """Return the newest date whose day is over: nothing can be made on it any more."""
    return due_date(now, zone) - _ONE_DAY


@cache
def _brazilian_bank_holidays(year: int) -> frozenset[date]:
    # A seventh of a second, which a process that makes no payables need not wait for.
    import holidays

    days = holidays.country_holidays("BR", years=year, categories=("public", "optional"), language="en_US")
    bank_optional = {day for day, name in days.items() if name in ("Carnival", "Corpus Christi")}
    return frozenset(holidays.country_holidays("BR", years=year)) | bank_optional
