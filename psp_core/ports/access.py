"""API keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from psp_core.domain.access import ApiKey


class ApiKeys(Protocol):
    def add(self, key: ApiKey) -> None: ...

    def find(self, id: str) -> ApiKey | None: ...

    def revoke(self, id: str, *, now: datetime) -> ApiKey | None:
        """Revoke the key unless it is already; return it as it is then, or None when there is none."""
        ...

    def expire(self, id: str, *, at: datetime, now: datetime) -> ApiKey | None:
        """Bring the key's end forward to `at`; None when there is none, or none that is good at `now`."""
        ...

    def note_use(self, id: str, *, at: datetime, unless_after: datetime) -> None:
        """Store the last use, unless one after `unless_after` is stored."""
        ...

    def list(self, *, customer_id: str | None, limit: int) -> Sequence[ApiKey]:
        """Return a merchant's keys, oldest first; None is everybody's, by merchant."""
        ...
