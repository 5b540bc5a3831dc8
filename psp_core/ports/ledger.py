"""The ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from psp_core.domain.ledger.entries import Entry
from psp_core.domain.ledger.journal import Existing
from psp_core.domain.ledger.opening import Opening


class Ledger(Protocol):
    def post(self, entries: Sequence[Entry]) -> None:
        """Write the entries and change the stored balances, each once; nothing for no entries.

        The last thing in a commit, and once in it: from here on it holds its merchants' balances. An entry of a day
        that is closed is effective on the day after it.
        """
        ...

    def opening(self) -> Opening: ...

    def hold_opening(self) -> Opening:
        """Return how far the opening is, and let nobody else go on with it before the end of the commit."""
        ...

    def end_of_range(self, *, after: UUID, before: UUID, limit: int) -> UUID | None:
        """Return the last of the next payables after an id, at most `limit` of them; None when there are none."""
        ...

    def existing(self, *, after: UUID, until: UUID, zone: ZoneInfo) -> list[Existing]:
        """Return what the payables of the range that have no entry amount to, by day, merchant and currency."""
        ...

    def has_unbooked(self, *, after: UUID) -> bool:
        """Tell whether there is a payable after the id that has no entry."""
        ...

    def advance_opening(self, *, until: UUID, ended_at: datetime | None) -> None:
        """Say that every payable up to the id is booked, and when the opening has ended."""
        ...
