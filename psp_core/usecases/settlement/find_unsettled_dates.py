"""Find the due dates that still have something to settle: missed, late or killed half-way, it does not matter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import due_date, newest_over
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store


@dataclass(frozen=True, slots=True)
class FindUnsettledDates:
    store: Store
    clock: Clock
    zone: ZoneInfo
    starts_at: time
    """The time of day from which a date may be settled."""

    def __call__(self, *, grace_days: int = 0) -> list[date]:
        """Return the dates whose time came `grace_days` ago with something due or an open settlement, oldest first."""
        until = self._newest_settleable() - timedelta(days=grace_days)
        with self.store.begin() as work:
            return work.settlements.unsettled_dates(until=until)

    def worth_a_run(self) -> list[date]:
        """Return the dates that a run has something to do for, oldest first: those, and those whose day is over and
        whose debit is in no settlement yet."""
        unsettled = self()
        with self.store.begin() as work:
            ungathered = work.settlements.ungathered_dates(until=newest_over(self.clock.now(), self.zone))
        return sorted({*unsettled, *ungathered})

    def _newest_settleable(self) -> date:
        now = self.clock.now()
        today = due_date(now, self.zone)
        return today if now.astimezone(self.zone).time() >= self.starts_at else today - timedelta(days=1)
