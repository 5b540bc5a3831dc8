"""Time and ids."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the current instant in UTC, cut to whole milliseconds."""
        ...


class Ids(Protocol):
    def new(self, *, at: datetime, count: int) -> list[UUID]:
        """Return that many new ids for rows created at `at`, each greater than the one before."""
        ...
