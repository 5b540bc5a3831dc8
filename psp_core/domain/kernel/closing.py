"""Business days: a day is closed at an instant, and whatever comes at that instant or later belongs to the next one.

Instants are compared, never times of day: where a zone skips or repeats an hour, the same times mean other instants.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

_ONE_DAY = timedelta(days=1)
_ONE_SECOND = timedelta(seconds=1)
_TEXT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(\+1)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ClosingTime:
    """When a day is closed, as people write it: `22:00`, or after midnight `03:00+1`."""

    at: time
    on_the_next_day: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the closing time that `HH:MM` or `HH:MM+1` names. Raises ValueError for anything else."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no closing time; one is written 22:00, or 03:00+1 on the day after")
        return cls(time(int(found[1]), int(found[2])), found[3] is not None)

    def __str__(self) -> str:
        return f"{self.at:%H:%M}{'+1' if self.on_the_next_day else ''}"

    def instant(self, day: date, zone: ZoneInfo) -> datetime:
        """Return when `day` is closed in the zone, in UTC."""
        return instant_of(datetime.combine(day + _ONE_DAY if self.on_the_next_day else day, self.at), zone)


MIDNIGHT = ClosingTime(time(0), on_the_next_day=True)
"""The end of the calendar day: what a plan has that names no closing time."""


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return when clocks in the zone show `wall`, in UTC.

    Where they show it twice, the first time; where they skip it, the first instant after the gap.
    """
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _shown(first, zone) == wall:
        return first
    # In a gap, the offset after it puts `wall` before the jump, and the one before it puts it after the jump.
    low, high = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), first
    while high - low > _ONE_SECOND:
        middle = low + (high - low) // 2 // _ONE_SECOND * _ONE_SECOND
        if _shown(middle, zone) < wall:
            low = middle
        else:
            high = middle
    return high


def _shown(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


class BusinessDays:
    """The business days of a zone and a closing time."""

    def __init__(self, zone: ZoneInfo, closes: ClosingTime) -> None:
        self._zone = zone
        self._closes = closes
        # What comes in one commit comes within seconds: the latest answer is nearly always the next one, too.
        self._from = self._until = datetime.min.replace(tzinfo=UTC)
        self._latest = date.min

    def of(self, instant: datetime) -> date:
        """Return the first day that is closed after `instant`. Raises ValueError for a naive instant."""
        if instant.tzinfo is None:
            raise ValueError("a business day needs an instant with a time zone")
        if not self._from <= instant < self._until:
            self._look(instant)
        return self._latest

    def _look(self, instant: datetime) -> None:
        # A day earlier than can be: the zone may have turned its clocks back since.
        day = instant.astimezone(self._zone).date() - 2 * _ONE_DAY
        began = closed = self._closes.instant(day, self._zone)
        while closed <= instant:
            day += _ONE_DAY
            began, closed = closed, self._closes.instant(day, self._zone)
        self._from, self._until, self._latest = began, closed, day
