from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest

from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import TransactionFilter, TransactionStatus
from psp_core.domain.kernel.errors import DomainError, NotDueYet, SettlementInProgress
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import PayableFilter, PayableStatus
from psp_core.domain.settlement.settlements import SettlementFilter, SettlementOutcome, SettlementStatus, Totals
from tests.builders import NOON, SettableClock, a_new_transaction, a_submission

DUE_ON = date(2026, 4, 9)  # 30 days after NOON


def accept_and_drain(core: Core, *amounts: int, installments: int = 1, customer_id: str = "merchant-1") -> None:
    rows = [
        a_new_transaction(customer_id=customer_id, amount_minor=amount, installments=installments) for amount in amounts
    ]
    core.accept_transactions([a_submission(*rows)])
    core.keep_relaying().run_until_empty()
    core.drain_queue()


class TestSettlePayables:
    def test_pays_each_merchant_what_is_due(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, 2_500, 999)
        accept_and_drain(core, 10, customer_id="merchant-2")
        clock.advance(days=30)

        report = core.settle_payables(due_on=DUE_ON)

        paid = {item.customer_id: item.totals for item in report.settled}
        assert paid == {
            "merchant-1": Totals(count=2, gross_minor=3_499, fee_minor=125 + 49, net_minor=2_375 + 950),
            "merchant-2": Totals(count=1, gross_minor=10, fee_minor=0, net_minor=10),
        }
        payables = core.read_merchant.payables("merchant-1", where=PayableFilter(), page=Page())
        assert {payable.status for payable in payables} == {PayableStatus.PAID}
        transactions = core.read_merchant.transactions("merchant-1", where=TransactionFilter(), page=Page())
        assert {transaction.status for transaction in transactions} == {TransactionStatus.PAID}

    def test_pays_nothing_twice(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, 2_500)
        clock.advance(days=30)
        first = core.settle_payables(due_on=DUE_ON)

        second = core.settle_payables(due_on=DUE_ON)

        assert second.settled == []
        assert second.existing == first.settled
        assert len(core.read_merchant.settlements("merchant-1", where=SettlementFilter(), page=Page())) == 1

    def test_refuses_a_date_that_has_not_come(self, core: Core) -> None:
        with pytest.raises(NotDueYet):
            core.settle_payables(due_on=DUE_ON)

    def test_puts_late_payables_into_the_next_sequence(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, 100)
        clock.advance(days=30)
        core.settle_payables(due_on=DUE_ON)
        clock.instant = NOON
        accept_and_drain(core, 200)
        clock.advance(days=31)

        core.settle_payables(due_on=DUE_ON)

        settlements = core.read_merchant.settlements("merchant-1", where=SettlementFilter(), page=Page())
        assert [(item.sequence, item.totals.gross_minor) for item in settlements] == [(2, 200), (1, 100)]
        assert {item.status for item in settlements} == {SettlementStatus.CLOSED}

    def test_goes_on_in_the_same_batch_after_it_was_killed(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, *range(100, 130))
        clock.advance(days=30)
        settle = replace(core.settle_payables, chunk_payables=7)

        class Killed(Exception):
            pass

        def die_after_two_commits(settled: int, _: int) -> None:
            if settled >= 14:
                raise Killed

        with pytest.raises(Killed):
            settle(due_on=DUE_ON, on_progress=die_after_two_commits)

        report = settle(due_on=DUE_ON)

        assert sum(item.totals.count for item in report.settled) == 16
        [settlement] = core.read_merchant.settlements("merchant-1", where=SettlementFilter(), page=Page())
        assert settlement.totals.count == 30
        assert settlement.totals.gross_minor == sum(range(100, 130))

    def test_pays_a_transaction_only_when_its_last_installment_is_paid(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, 1_000, installments=2)
        clock.advance(days=30)
        core.settle_payables(due_on=DUE_ON)
        [half_paid] = core.read_merchant.transactions("merchant-1", where=TransactionFilter(), page=Page())
        assert half_paid.status is TransactionStatus.PENDING_PAYMENT
        clock.advance(days=30)

        core.settle_payables(due_on=DUE_ON + timedelta(days=30))

        [paid] = core.read_merchant.transactions("merchant-1", where=TransactionFilter(), page=Page())
        assert paid.status is TransactionStatus.PAID

    def test_pays_transactions_whose_installments_two_runs_settle_at_once(
        self, core: Core, clock: SettableClock
    ) -> None:
        accept_and_drain(core, *[1_000] * 40, installments=2)
        clock.advance(days=60)
        settle = replace(core.settle_payables, chunk_payables=5)
        dates = [DUE_ON, DUE_ON + timedelta(days=30)]

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda due_on: settle(due_on=due_on), dates))

        transactions = core.read_merchant.transactions("merchant-1", where=TransactionFilter(), page=Page())
        assert [item.status for item in transactions] == [TransactionStatus.PAID] * 40

    def test_holds_off_a_second_run_of_the_same_date(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, *range(100, 120))
        clock.advance(days=30)
        settle = replace(core.settle_payables, chunk_payables=5)
        in_the_middle, go_on = threading.Event(), threading.Event()

        def pause(settled: int, _: int) -> None:
            in_the_middle.set()
            go_on.wait(30)

        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(settle, due_on=DUE_ON, on_progress=pause)
            in_the_middle.wait(30)
            with pytest.raises(SettlementInProgress):
                settle(due_on=DUE_ON)
            go_on.set()

        assert sum(item.totals.count for item in first.result().settled) == 20

    def test_pays_once_in_many_runs_at_once(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, *range(100, 300))
        clock.advance(days=30)
        settle = replace(core.settle_payables, chunk_payables=10)

        def outcome(_: int) -> SettlementOutcome | DomainError:
            try:
                return settle(due_on=DUE_ON)
            except SettlementInProgress as refusal:
                return refusal

        with ThreadPoolExecutor(4) as pool:
            outcomes = list(pool.map(outcome, range(8)))

        reports = [item for item in outcomes if isinstance(item, SettlementOutcome)]
        assert sum(item.totals.gross_minor for report in reports for item in report.settled) == sum(range(100, 300))

    def test_shows_and_writes_nothing_in_a_dry_run(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, 2_500)
        clock.advance(days=30)

        report = core.settle_payables(due_on=DUE_ON, dry_run=True)

        assert [item.totals.net_minor for item in report.settled] == [2_375]
        assert core.read_merchant.settlements("merchant-1", where=SettlementFilter(), page=Page()) == []

    def test_keeps_nobody_from_the_date_in_a_dry_run(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, 2_500)
        clock.advance(days=30)

        with core.store.hold_due_date(DUE_ON, holder="run 1"):
            report = core.settle_payables(due_on=DUE_ON, dry_run=True)

        assert report.count == 1

    def test_pays_only_the_merchants_asked_for(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, 100)
        accept_and_drain(core, 100, customer_id="merchant-2")
        clock.advance(days=30)

        report = core.settle_payables(due_on=DUE_ON, merchants=["merchant-2"])

        assert [item.customer_id for item in report.settled] == ["merchant-2"]
