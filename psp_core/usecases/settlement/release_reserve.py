"""Release reserves: what was kept back of settlements is the merchants' on its date."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import due_date
from psp_core.domain.ledger.journal import Paid, release_entries
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store

MERCHANTS_PER_COMMIT = 1_000


@dataclass(frozen=True, slots=True)
class ReleaseReserve:
    store: Store
    clock: Clock
    zone: ZoneInfo
    merchants_per_commit: int = MERCHANTS_PER_COMMIT

    def __call__(self) -> list[Paid]:
        """Release all that is due by today, and return how much of each merchant; debt is repaid first.

        Killed at any point and called again, it does the rest and nothing twice.
        """
        released: list[Paid] = []
        while some := self._release_some():
            released += some
        return released

    def _release_some(self) -> list[Paid]:
        now = self.clock.now()
        today = due_date(now, self.zone)
        with self.store.begin() as work:
            released = work.reserve.release(today=today, limit=self.merchants_per_commit, now=now)
            work.ledger.post(release_entries(released, today=today, now=now), today=today)
        return released
