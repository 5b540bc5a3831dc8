"""The clock and the ids."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from psp_core.domain.kernel.ids import RANDOM_BITS, uuid7

_RANDOM_BYTES = 10
# Of the random bits, the two that would make the first steps overflow into the variant.
_START_MASK = ((1 << RANDOM_BITS) - 1) & ~(0b11 << 60)
_STEP_BYTES = 5


def _to_milliseconds(instant: datetime) -> datetime:
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


@dataclass(frozen=True, slots=True)
class SystemClock:
    def now(self) -> datetime:
        return _to_milliseconds(datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class TimeLapseClock:
    """Starts at `start` and runs `speed` times as fast as the wall clock: for demonstrations and tests."""

    start: datetime
    speed: float
    _started_s: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return _to_milliseconds(self.start + timedelta(seconds=(time.monotonic() - self._started_s) * self.speed))


class TimeOrderedIds:
    """UUIDs of version 7 that also rise within a millisecond, so that a process's rows keep their order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def new(self, *, at: datetime, count: int) -> list[UUID]:
        """Return `count` ids. They start at random and rise by random steps: nobody can guess a next one."""
        random = os.urandom(_RANDOM_BYTES + _STEP_BYTES * count)
        first = uuid7(at=at, random=int.from_bytes(random[:_RANDOM_BYTES]) & _START_MASK).int
        ids = []
        with self._lock:
            same_millisecond = first >> 80 == self._last >> 80
            value = max(first, self._last) if same_millisecond else first
            for start in range(_RANDOM_BYTES, len(random), _STEP_BYTES):
                # Steps are below 2**40 and a start is below 2**60 of 2**62: room for millions in a millisecond.
                value += 1 + int.from_bytes(random[start : start + _STEP_BYTES])
                ids.append(UUID(int=value))
            self._last = value
        return ids
