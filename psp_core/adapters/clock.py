"""The clock and the ids."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from psp_core.domain.ids import RANDOM_BITS, uuid7

_RANDOM_BYTES = 10
_SPARE_BITS = _RANDOM_BYTES * 8 - RANDOM_BITS


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
        self._last = UUID(int=0)

    def new(self, *, at: datetime) -> UUID:
        random = int.from_bytes(os.urandom(_RANDOM_BYTES)) >> _SPARE_BITS
        candidate = uuid7(at=at, random=random)
        with self._lock:
            same_millisecond = candidate.int >> 80 == self._last.int >> 80
            if same_millisecond and candidate <= self._last:
                candidate = _successor(self._last, step=(random & 0xFFFF) + 1)
            self._last = candidate
        return candidate


def _successor(last: UUID, *, step: int) -> UUID:
    # The low 62 bits carry: 2**45 more of these fit before they could overflow.
    low = (last.int & ((1 << 62) - 1)) + step
    return UUID(int=last.int >> 62 << 62 | low & ((1 << 62) - 1))
