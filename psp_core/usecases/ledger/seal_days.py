"""Seal days: nothing of them changes any more, and a hash that stands on the day before's proves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import due_date
from psp_core.domain.kernel.errors import LedgerNotOpen, NotOverYet
from psp_core.domain.ledger.sealing import GENESIS, SealedDay, digest_of, trial_balance
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SealDays:
    store: Store
    clock: Clock
    zone: ZoneInfo

    def __call__(self, day: date) -> SealedDay:
        """Seal every day up to and including `day` that is not, without a gap, and return the seal of `day`.

        What is posted later is effective on the day after it. Safe to kill, to repeat and to run twice at once. Raises
        NotOverYet for today, and LedgerNotOpen before the opening has ended or for a day before the first entry.
        """
        if day >= due_date(self.clock.now(), self.zone):
            raise NotOverYet(f"{day} is not over: it is sealed when nothing more can happen on it")
        with self.store.begin() as work:
            if not work.ledger.hold_opening().is_ended:
                raise LedgerNotOpen("the opening has not ended: what existed before the ledger is still being booked")
            work.ledger.close_days(until=day)
        while True:
            with self.store.begin() as work:
                last = work.ledger.last_sealed()
                start = last.day + _ONE_DAY if last else work.ledger.first_day() or day
            if start > day:
                break
            self._seal(start)
        with self.store.begin() as work:
            for sealed in work.ledger.sealed_days(since=day, limit=1):
                if sealed.day == day:
                    return sealed
        raise LedgerNotOpen(f"{day} is before the first day of the ledger")

    def _seal(self, day: date) -> None:
        with self.store.begin() as work:
            # One at a time: whoever comes second finds it done.
            work.ledger.hold_opening()
            last = work.ledger.last_sealed()
            if last is not None and last.day >= day:
                return
            previous_hash = last.hash if last else GENESIS
            digest = digest_of(day, work.ledger.entries_of(day), previous_hash=previous_hash)
            totals = trial_balance(last.totals if last else [], work.ledger.moved_on(day))
            work.ledger.add_sealed(SealedDay(day, digest.entries, totals, digest.hash, previous_hash, self.clock.now()))
