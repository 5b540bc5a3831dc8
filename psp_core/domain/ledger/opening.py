"""The opening: what existed before there was a ledger is booked, a range of payables at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

FIRST = UUID(int=0)
"""Before every payable; also what a settlement has as its opening entry that is older than the ledger."""

NO_ENTRY = UUID(int=2**128 - 1)
"""The opening entry of a settlement of now that was opened for what was already available: that posts nothing."""

OPENING_AGE = timedelta(minutes=5)
"""A walk stops so long before now: longer than a commit that makes payables can last, and than clocks differ."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How far the opening has come. `is_ended`: everything that was there before the ledger is booked."""

    opened_until: UUID
    is_ended: bool
