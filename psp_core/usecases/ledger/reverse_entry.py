"""Reverse an entry: its mirror, and in the same commit what it should have said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import due_date
from psp_core.domain.kernel.errors import EntryReversed, NotFound
from psp_core.domain.ledger.entries import Entry, EntryKind, Posting, mirrored
from psp_core.ports.kernel import Clock, Ids
from psp_core.ports.store import Store


@dataclass(frozen=True, slots=True)
class ReverseEntry:
    store: Store
    clock: Clock
    ids: Ids
    zone: ZoneInfo

    def __call__(self, id: UUID, *, reason: str, instead: Sequence[Posting] = ()) -> list[Entry]:
        """Post the entry's mirror, today, and `instead` as a correction of it; return what was posted.

        Raises NotFound, EntryReversed for one that was reversed before, ValueError where `instead` does not balance,
        and InsufficientFunds when a balance would fall below what is allowed.
        """
        now = self.clock.now()
        today = due_date(now, self.zone)
        mirror_id, correction_id = self.ids.new(at=now, count=2)
        with self.store.begin() as work:
            # One at a time: whoever comes second sees the mirror.
            work.ledger.hold_opening()
            wrong = work.ledger.find(id)
            if wrong is None:
                raise NotFound("no such entry")
            if mirror := work.ledger.reversed_by(id):
                raise EntryReversed(f"entry {id} was reversed by {mirror}")
            mirrors = mirrored(wrong.postings)
            entries = [Entry(mirror_id, EntryKind.REVERSAL, wrong.currency, today, now, reason, mirrors, id)]
            if instead:
                entries.append(
                    Entry(correction_id, EntryKind.CORRECTION, wrong.currency, today, now, str(mirror_id), instead)
                )
            work.ledger.post(entries, today=today)
        return entries
