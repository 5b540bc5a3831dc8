"""Verify the ledger: every sealed day's hash, chain and totals are computed anew from its entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from psp_core.domain.kernel.errors import Discrepancy
from psp_core.domain.ledger.sealing import GENESIS, SealedDay, digest_of, imbalances, trial_balance
from psp_core.ports.store import Store

DAYS_PER_READ = 100


@dataclass(frozen=True, slots=True)
class LedgerProof:
    """How many sealed days were recomputed, and what differs from what was sealed."""

    days: int
    last_hash: bytes
    discrepancies: list[Discrepancy]


@dataclass(frozen=True, slots=True)
class VerifyLedger:
    store: Store

    def __call__(
        self,
        *,
        since: date | None = None,
        until: date | None = None,
        on_progress: Callable[[date], None] = lambda _: None,
    ) -> LedgerProof:
        """Recompute the sealed days from `since` to `until`, each in a commit of its own; None means all there are.

        The day before `since` is taken as it stands.
        """
        days, before, found = 0, self._before(since), list[Discrepancy]()
        while sealed := self._next(after=before.day if before else None, since=since):
            for day in sealed:
                if until is not None and day.day > until:
                    return LedgerProof(days, before.hash if before else GENESIS, found)
                found += self._differences(day, before=before)
                before = day
                days += 1
                on_progress(day.day)
        return LedgerProof(days, before.hash if before else GENESIS, found)

    def _before(self, since: date | None) -> SealedDay | None:
        if since is None:
            return None
        with self.store.begin() as work:
            found = work.ledger.sealed_days(since=since - timedelta(days=1), limit=1)
        return found[0] if found and found[0].day < since else None

    def _next(self, *, after: date | None, since: date | None) -> list[SealedDay]:
        with self.store.begin() as work:
            start = after + timedelta(days=1) if after else since
            return work.ledger.sealed_days(since=start, limit=DAYS_PER_READ)

    def _differences(self, sealed: SealedDay, *, before: SealedDay | None) -> list[Discrepancy]:
        found = []
        if before is not None and sealed.day != before.day + timedelta(days=1):
            found.append(f"follows {before.day}")
        if before is not None and sealed.previous_hash != before.hash:
            found.append("does not stand on the day before")
        with self.store.begin() as work:
            try:
                digest = digest_of(sealed.day, work.ledger.entries_of(sealed.day), previous_hash=sealed.previous_hash)
            except ValueError as imbalance:
                return [Discrepancy("ledger_day_is_as_it_was_sealed", str(sealed.day), str(imbalance))]
            totals = trial_balance(before.totals if before else [], work.ledger.moved_on(sealed.day))
        if (digest.entries, digest.hash) != (sealed.entries, sealed.hash):
            found.append(f"{digest.entries} entries hash to {digest.hash.hex()}, sealed were {sealed.entries}")
        if totals != sealed.totals:
            found.append("its totals are not those of its entries")
        if open_sums := imbalances(sealed.totals):
            found.append(f"its trial balance does not balance: {open_sums}")
        return [Discrepancy("ledger_day_is_as_it_was_sealed", str(sealed.day), detail) for detail in found]
