"""Settle a due date: every payable due becomes paid, once, however often this runs.

What was paid at once has a place in the settlement of its day, too: it is gathered when the day is over, and nothing
but its place changes (docs/decisions/026).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import due_date, newest_over
from psp_core.domain.kernel.errors import BooksDoNotBalance, Discrepancy, NotDueYet, SettlementInProgress
from psp_core.domain.kernel.merchants import is_merchant_name, require_known
from psp_core.domain.ledger.journal import close_entries, settle_entries
from psp_core.domain.operations.leases import Hold
from psp_core.domain.settlement.settlements import (
    Due,
    MerchantTotals,
    SettlementChunk,
    SettlementOutcome,
    merge_merchants,
    totals_by_currency,
)
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store, UnitOfWork

CONTROL_AGE = timedelta(minutes=2)
"""The control total counts payables at least this old: longer than any commit that creates them can
last, so that none appears with an older creation time once it has been taken. Younger ones are
settled as well, outside the comparison."""

Progress = Callable[[int, int], None]
Take = Callable[..., SettlementChunk]
"""`settle_chunk` or `gather_chunk` of the settlements."""


@dataclass(frozen=True, slots=True)
class _Order:
    due_on: date
    merchants: Sequence[str] | None
    control_before: datetime
    is_over: bool
    """The day is over: what was paid at once on it is all there."""
    on_progress: Progress


@dataclass(frozen=True, slots=True)
class _Found:
    """What is there before the run, of both kinds: to be done, and done already."""

    due: Due
    available: Due
    existing: list[MerchantTotals]
    gathered: list[MerchantTotals]

    def as_outcome(self, due_on: date) -> SettlementOutcome:
        """Return the outcome of doing all of it."""
        return SettlementOutcome(due_on, self.due.all, self.existing, self.available.all, self.gathered)


@dataclass(slots=True)
class _Tally:
    """Counts what is done against what was expected; more than that may come meanwhile."""

    expected: int
    on_progress: Progress
    count: int = 0

    def add(self, chunk: SettlementChunk) -> int:
        """Count the chunk, tell how far it is, and return how many payables the chunk had."""
        found = sum(item.totals.count for item in chunk.paid)
        self.count += found
        self.on_progress(self.count, max(self.count, self.expected))
        return found


@dataclass(frozen=True, slots=True)
class SettlePayables:
    store: Store
    clock: Clock
    zone: ZoneInfo
    chunk_payables: int

    def __call__(
        self,
        *,
        due_on: date,
        merchants: Sequence[str] | None = None,
        dry_run: bool = False,
        holder: str = "",
        on_progress: Progress = lambda *_: None,
    ) -> SettlementOutcome:
        """Pay everything that is due on `due_on`, in commits of `chunk_payables`; once the day is over, gather what was
        paid at once on it into the same settlements.

        Killed at any point and called again, it does the rest and nothing twice. `on_progress` is
        called after each commit with the payables settled so far and those expected; `holder` is
        what others are told who has the date. A dry run of a date to come is a forecast: what is due
        on it by now. Raises NotDueYet, UnknownMerchant, SettlementInProgress, HoldLost, or
        BooksDoNotBalance when the control totals differ.
        """
        now = self.clock.now()
        is_forecast = due_on > due_date(now, self.zone)
        if is_forecast and not dry_run:
            raise NotDueYet(f"{due_on} has not come yet: nothing is paid early")
        self._require_known(merchants or ())
        is_over = due_on <= newest_over(now, self.zone)
        order = _Order(due_on, merchants, now - CONTROL_AGE, is_over, on_progress)
        if dry_run:
            # Without the date's lease: who only looks must not keep away who settles it.
            return replace(self._find(order).as_outcome(due_on), dry_run=True, is_forecast=is_forecast)
        with self.store.hold_due_date(due_on, holder=holder) as hold:
            if not hold:
                raise SettlementInProgress(due_on, holder=hold.holder)
            return self._settle(order, self._find(order), hold)

    def _require_known(self, merchants: Sequence[str]) -> None:
        possible = [name for name in merchants if is_merchant_name(name)]
        with self.store.begin() as work:
            known = work.settlements.known_merchants(possible) if possible else set[str]()
        require_known(merchants, known=known)

    def _find(self, order: _Order) -> _Found:
        with self.store.begin() as work:
            due_on, merchants, control_before = order.due_on, order.merchants, order.control_before
            due = work.settlements.due(due_on, merchants=merchants, control_before=control_before)
            available = Due([], [])
            if order.is_over:
                available = work.settlements.available(due_on, merchants=merchants, control_before=control_before)
            return _Found(due, available, work.settlements.settled(due_on), work.settlements.gathered(due_on))

    def _settle(self, order: _Order, found: _Found, hold: Hold) -> SettlementOutcome:
        due, available = found.due, found.available
        tally = _Tally(sum(item.totals.count for item in [*due.all, *available.all]), order.on_progress)
        settled = self._all(order, hold, tally, take=lambda work: work.settlements.settle_chunk)
        _compare(order.due_on, "due", before=due.controlled, after=settled.controlled)
        gathered = Due([], [])
        if order.is_over:
            gathered = self._all(order, hold, tally, take=lambda work: work.settlements.gather_chunk)
            _compare(order.due_on, "already available", before=available.controlled, after=gathered.controlled)
        while self._close_some(order, hold):
            pass
        return SettlementOutcome(order.due_on, settled.all, found.existing, gathered.all, found.gathered)

    def _close_some(self, order: _Order, hold: Hold) -> bool:
        """Close some of the settlements and pour what they paid; tell whether there were any."""
        now = self.clock.now()
        today = due_date(now, self.zone)
        with self.store.begin() as work:
            work.leases.require(hold)
            closed = work.settlements.close(
                order.due_on, merchants=order.merchants, limit=self.chunk_payables, today=today, now=now
            )
            work.ledger.post(close_entries(closed, due_on=order.due_on, today=today, now=now), today=today)
        return bool(closed)

    def _all(self, order: _Order, hold: Hold, tally: _Tally, *, take: Callable[[UnitOfWork], Take]) -> Due:
        """Take chunks until there is nothing left; return what they had."""
        everything: list[MerchantTotals] = []
        controlled: list[MerchantTotals] = []
        while True:
            found = 0
            for chunk in self._one_pass(order, hold, take):
                everything = merge_merchants([*everything, *chunk.paid])
                controlled = merge_merchants([*controlled, *chunk.controlled])
                found += tally.add(chunk)
            # Another pass for what came late; each begins at the front, so none is left behind.
            if not found:
                return Due(everything, controlled)

    def _one_pass(self, order: _Order, hold: Hold, take: Callable[[UnitOfWork], Take]) -> Iterator[SettlementChunk]:
        after: tuple[str, UUID] | None = None
        while True:
            now = self.clock.now()
            with self.store.begin() as work:
                # In the chunk's own commit: who was taken for dead and wakes up pays nothing more.
                work.leases.require(hold)
                chunk = take(work)(
                    order.due_on,
                    merchants=order.merchants,
                    after=after,
                    limit=self.chunk_payables,
                    control_before=order.control_before,
                    now=now,
                )
                today = due_date(now, self.zone)
                work.ledger.post(settle_entries(chunk.moved, due_on=order.due_on, today=today, now=now), today=today)
            if chunk.position is None:
                return
            yield chunk
            after = chunk.position


def _compare(due_on: date, kind: str, *, before: list[MerchantTotals], after: list[MerchantTotals]) -> None:
    expected, settled = totals_by_currency(before), totals_by_currency(after)
    if expected != settled:
        raise BooksDoNotBalance(
            [Discrepancy("control_total", str(due_on), f"{kind} before the run {expected}, settled by it {settled}")]
        )
