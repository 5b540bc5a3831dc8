"""List the due dates that need something, with what they owe: what a person looks at first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import due_date
from psp_core.domain.settlement.unpaid_dates import UnpaidDate, UnpaidDates
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store
from psp_core.usecases.settlement.find_unreported_dates import FindUnreportedDates
from psp_core.usecases.settlement.find_unsettled_dates import FindUnsettledDates

DATES_LISTED_MAX = 100
"""Every payable that the listed dates owe is counted, so there is an end to them."""


@dataclass(frozen=True, slots=True)
class ListUnpaidDates:
    store: Store
    clock: Clock
    zone: ZoneInfo
    find_unsettled_dates: FindUnsettledDates
    find_unreported_dates: FindUnreportedDates

    def __call__(self, *, grace_days: int = 0) -> UnpaidDates:
        """Return the dates whose time came `grace_days` ago and that still owe something, and those without report."""
        return self._listed(
            self.find_unsettled_dates(grace_days=grace_days), self.find_unreported_dates(with_open=True)
        )

    def of(self, first: date, last: date) -> UnpaidDates:
        """Return those of the dates from `first` to `last` that still owe something."""
        return self._listed([day for day in self.find_unsettled_dates() if first <= day <= last], [])

    def _listed(self, unpaid: Sequence[date], unreported: Sequence[date]) -> UnpaidDates:
        oldest = sorted({*unpaid, *unreported})[:DATES_LISTED_MAX]
        with self.store.begin() as work:
            debts = work.settlements.debts(sorted(set(oldest) & set(unpaid)))
        owing = {day.due_on: day for day in debts.dates}
        return UnpaidDates(
            today=due_date(self.clock.now(), self.zone),
            unpaid=unpaid,
            unreported=unreported,
            listed=[_entry(day, owing=owing, lacks_report=day in set(unreported)) for day in oldest],
            merchants=debts.merchants,
        )


def _entry(day: date, *, owing: dict[date, UnpaidDate], lacks_report: bool) -> UnpaidDate:
    return replace(owing.get(day, UnpaidDate(day)), lacks_report=lacks_report)
