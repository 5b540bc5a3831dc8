"""Book what exists: payables of before the ledger, and of old programs beside it, get opening entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import due_date
from psp_core.domain.kernel.ids import first_id_at
from psp_core.domain.ledger.journal import opening_entries
from psp_core.domain.ledger.opening import OPENING_AGE
from psp_core.ports.kernel import Clock, Ids
from psp_core.ports.store import Store

RANGE_PAYABLES = 100_000


@dataclass(frozen=True, slots=True)
class OpeningOutcome:
    """What one walk booked: `entries`, in `ranges` commits. `is_ended`: nothing of before is left."""

    ranges: int
    entries: int
    is_ended: bool


@dataclass(frozen=True, slots=True)
class BookWhatExists:
    store: Store
    clock: Clock
    ids: Ids
    zone: ZoneInfo
    range_payables: int = RANGE_PAYABLES

    def __call__(self, *, on_progress: Callable[[int], None] = lambda _: None) -> OpeningOutcome:
        """Walk on over the payables, up to some minutes before now, in a commit for each range.

        Safe to kill, to repeat and to run twice at once. Once it has ended, it costs what was made since the last time,
        and finds what a program of before has made. `on_progress` gets the ranges so far.
        """
        ranges = entries = 0
        while (booked := self._book_range()) is not None:
            ranges += 1
            entries += booked
            on_progress(ranges)
        return OpeningOutcome(ranges, entries, self._end())

    def is_ended(self) -> bool:
        """Tell whether everything of before is booked."""
        with self.store.begin() as work:
            return work.ledger.opening().is_ended

    def _book_range(self) -> int | None:
        """Return how many entries the next range has got; None where there is none."""
        now = self.clock.now()
        with self.store.begin() as work:
            after = work.ledger.hold_opening().opened_until
            until = work.ledger.end_of_range(
                after=after, before=first_id_at(now - OPENING_AGE), limit=self.range_payables
            )
            if until is None:
                return None
            existing = work.ledger.existing(after=after, until=until, zone=self.zone)
            days = sorted({(item.currency, item.made_on) for item in existing})
            ids = dict(zip(days, self.ids.new(at=now, count=len(days)), strict=True))
            entries = opening_entries(ids, existing, source=f"{after}..{until}", now=now)
            work.ledger.advance_opening(until=until, ended_at=None)
            work.ledger.post(entries, today=due_date(now, self.zone))
        return len(entries)

    def _end(self) -> bool:
        """Say that the opening has ended, and tell whether it has: nothing that is younger lacks an entry.

        What does is a program's of before, which is still there: then there is more to come.
        """
        with self.store.begin() as work:
            opening = work.ledger.hold_opening()
            if opening.is_ended or work.ledger.has_unbooked(after=opening.opened_until):
                return opening.is_ended
            work.ledger.advance_opening(until=opening.opened_until, ended_at=self.clock.now())
        return True
