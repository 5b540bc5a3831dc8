"""Instants and due dates: when a payable is due, and on which date it is settled."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

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

    def roll_forward(self, instant: datetime, *, zone: ZoneInfo) -> datetime:
        """Return `instant`, or on a closed day the same time of day on the first open day after it, in UTC.

        The days are those of `zone`: it is the due date that is rolled, and the UTC date can be another. Where the
        zone skips that time of day, the instant is as much later; it stays on the open day.
        """
        # Most payables: there is nothing to look up.
        if self is BankCalendar.EVERY_DAY:
            return instant
        day = first = due_date(instant, zone)
        while not self.is_open(day):
            day += _ONE_DAY
        if day == first:
            return instant
        return datetime.combine(day, instant.astimezone(zone).time(), zone).astimezone(UTC)


def due_date(instant: datetime, zone: ZoneInfo) -> date:
    """Return the settlement date of an instant: its calendar day in the platform's time zone.

    Raises ValueError for a naive instant, whose day would depend on the machine.
    """
    if instant.tzinfo is None:
        raise ValueError("a due date needs an instant with a time zone")
    return instant.astimezone(zone).date()


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of the calendar day in the time zone, in UTC."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


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
