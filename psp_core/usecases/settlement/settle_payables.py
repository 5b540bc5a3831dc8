"""Settle a due date: every payable due becomes paid, once, however often this runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import due_date
from psp_core.domain.kernel.errors import BooksDoNotBalance, Discrepancy, NotDueYet, SettlementInProgress
from psp_core.domain.kernel.merchants import is_merchant_name, require_known
from psp_core.domain.ledger.journal import close_entries, settle_entries
from psp_core.domain.operations.leases import Hold
from psp_core.domain.settlement.settlements import (
    MerchantTotals,
    SettlementChunk,
    SettlementOutcome,
    merge_merchants,
    totals_by_currency,
)
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store

CONTROL_AGE = timedelta(minutes=2)
"""The control total counts payables at least this old: longer than any commit that creates them can
last, so that none appears with an older creation time once it has been taken. Younger ones are
settled as well, outside the comparison."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Order:
    due_on: date
    hold: Hold
    merchants: Sequence[str] | None
    control_before: datetime
    dry_run: bool
    on_progress: Progress


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
        """Pay everything that is due on `due_on`, in commits of `chunk_payables`.

        Killed at any point and called again, it pays the rest and nothing twice. `on_progress` is
        called after each commit with the payables settled so far and those expected; `holder` is
        what others are told who has the date. Raises NotDueYet, UnknownMerchant, SettlementInProgress,
        HoldLost, or BooksDoNotBalance when the control totals differ.
        """
        now = self.clock.now()
        if due_on > due_date(now, self.zone):
            raise NotDueYet(f"{due_on} has not come yet: nothing is paid early")
        self._require_known(merchants or ())
        with self.store.hold_due_date(due_on, holder=holder) as hold:
            if not hold:
                raise SettlementInProgress(due_on, holder=hold.holder)
            return self._settle(_Order(due_on, hold, merchants, now - CONTROL_AGE, dry_run, on_progress))

    def _require_known(self, merchants: Sequence[str]) -> None:
        possible = [name for name in merchants if is_merchant_name(name)]
        with self.store.begin() as work:
            known = work.settlements.known_merchants(possible) if possible else set[str]()
        require_known(merchants, known=known)

    def _settle(self, order: _Order) -> SettlementOutcome:
        with self.store.begin() as work:
            existing = work.settlements.settled(order.due_on)
            due = work.settlements.due(order.due_on, merchants=order.merchants, control_before=order.control_before)
        if order.dry_run:
            return SettlementOutcome(order.due_on, settled=due.all, existing=existing, dry_run=True)
        settled, controlled = self._settle_all(order, expected=sum(item.totals.count for item in due.all))
        _compare(order.due_on, before=due.controlled, after=controlled)
        while self._close_some(order):
            pass
        return SettlementOutcome(order.due_on, settled=settled, existing=existing)

    def _close_some(self, order: _Order) -> bool:
        """Close some of the date's settlements and make what they paid available; tell whether there were any."""
        now = self.clock.now()
        with self.store.begin() as work:
            work.leases.require(order.hold)
            closed = work.settlements.close(order.due_on, limit=self.chunk_payables, now=now)
            work.ledger.post(close_entries(closed, due_on=order.due_on, today=due_date(now, self.zone), now=now))
        return bool(closed)

    def _settle_all(self, order: _Order, *, expected: int) -> tuple[list[MerchantTotals], list[MerchantTotals]]:
        settled: list[MerchantTotals] = []
        controlled: list[MerchantTotals] = []
        while True:
            found = 0
            for chunk in self._one_pass(order):
                found += sum(item.totals.count for item in chunk.paid)
                settled = merge_merchants([*settled, *chunk.paid])
                controlled = merge_merchants([*controlled, *chunk.controlled])
                count = sum(item.totals.count for item in settled)
                order.on_progress(count, max(count, expected))
            # Another pass for what came late; each begins at the front, so none is left behind.
            if not found:
                return settled, controlled

    def _one_pass(self, order: _Order) -> Iterator[SettlementChunk]:
        after: tuple[str, UUID] | None = None
        while True:
            now = self.clock.now()
            with self.store.begin() as work:
                # In the chunk's own commit: who was taken for dead and wakes up pays nothing more.
                work.leases.require(order.hold)
                chunk = work.settlements.settle_chunk(
                    order.due_on,
                    merchants=order.merchants,
                    after=after,
                    limit=self.chunk_payables,
                    control_before=order.control_before,
                    now=now,
                )
                today = due_date(now, self.zone)
                work.ledger.post(settle_entries(chunk.moved, due_on=order.due_on, today=today, now=now))
            if chunk.position is None:
                return
            yield chunk
            after = chunk.position


def _compare(due_on: date, *, before: list[MerchantTotals], after: list[MerchantTotals]) -> None:
    expected, settled = totals_by_currency(before), totals_by_currency(after)
    if expected != settled:
        raise BooksDoNotBalance(
            [Discrepancy("control_total", str(due_on), f"due before the run {expected}, settled by it {settled}")]
        )
