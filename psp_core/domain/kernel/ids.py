"""Time-ordered identifiers (UUID version 7, RFC 9562 section 5.7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
RANDOM_BITS = 74


def uuid7(*, at: datetime, random: int) -> UUID:
    """Return the UUID of version 7 for the instant `at` and 74 bits of `random`.

    Sorting by it is sorting by creation time, so one index serves both "newest first" and paging.
    """
    milliseconds = (at - _EPOCH) // _MILLISECOND
    high, low = random >> 62, random & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def first_id_at(at: datetime) -> UUID:
    """Return the smallest id that a row created at the instant `at` can have."""
    return uuid7(at=at, random=0)
