"""Which of a merchant's objects to list, and which slice of the list."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

PAGE_LIMIT_MAX = 200
PAGE_LIMIT_DEFAULT = 100
NUMBERED_ROWS_MAX = 10_000
"""How far a page's number leads: the database walks over every row before it. A cursor leads to any row at once."""


@dataclass(frozen=True, slots=True)
class Page:
    """A slice of a newest-first list: `limit` rows older than the id `after`, or skipping `offset` rows."""

    limit: int = PAGE_LIMIT_DEFAULT
    after: UUID | None = None
    offset: int = 0
