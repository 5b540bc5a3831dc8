"""Find the settled dates whose report was never written, or lacks what was settled since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store

LOOK_BACK = timedelta(days=31)
"""A report is compared with settlements that are younger; a date without any report is found however old."""


@dataclass(frozen=True, slots=True)
class FindUnreportedDates:
    store: Store
    clock: Clock

    def __call__(self, *, with_open: bool = False) -> list[date]:
        """Return the dates, oldest first. A run that settles one of them just now may be about to write it.

        A settlement that stayed open has a run that works on it, or control totals that differ: that is for a person
        to see (`with_open`), and nothing to repeat until it is closed.
        """
        since = self.clock.now() - LOOK_BACK
        with self.store.begin() as work:
            return work.settlement_reports.unreported_dates(settled_since=since, with_open=with_open)
