from __future__ import annotations

from datetime import date, timedelta

import pytest

from psp_core.bootstrap import Core
from psp_core.domain.kernel.money import Currency
from psp_core.domain.settlement.settlements import Totals
from psp_core.domain.settlement.unpaid_dates import UnpaidDate
from tests.builders import NOON, SettableClock, a_new_transaction, a_submission
from tests.killed import settle_one_and_die

DUE_ON = date(2026, 4, 9)  # 30 days after NOON
NEXT = date(2026, 4, 10)


def a_payable(core: Core, *, customer_id: str = "merchant-1", currency: Currency = Currency.BRL) -> None:
    """Have 23.75 due in 30 days."""
    core.accept_transactions([a_submission(a_new_transaction(customer_id=customer_id, currency=currency))])
    core.keep_relaying().run_until_empty()
    core.drain_queue()


class TestListUnpaidDates:
    def test_tells_what_each_date_owes_and_to_how_many(self, core: Core, clock: SettableClock) -> None:
        a_payable(core)
        a_payable(core, customer_id="merchant-2")
        a_payable(core, customer_id="merchant-2", currency=Currency.USD)
        clock.advance(days=1)
        a_payable(core)
        clock.advance(days=30)

        found = core.list_unpaid_dates()

        one, two = Totals(1, 2_500, 125, 2_375), Totals(2, 5_000, 250, 4_750)
        assert found.listed == [
            UnpaidDate(DUE_ON, {Currency.BRL: two, Currency.USD: one}, merchants=2),
            UnpaidDate(NEXT, {Currency.BRL: one}, merchants=1),
        ]
        assert (found.unpaid, found.unreported, found.merchants) == ([DUE_ON, NEXT], [], 2)
        assert found.owed == {Currency.BRL: two + one, Currency.USD: one}
        assert [found.days_overdue(day) for day in found.listed] == [1, 0]

    def test_tells_of_a_date_that_lacks_only_its_report(self, core: Core, clock: SettableClock) -> None:
        a_payable(core)
        clock.advance(days=30)
        core.settle_payables(due_on=DUE_ON)

        assert core.list_unpaid_dates().listed == [UnpaidDate(DUE_ON, lacks_report=True)]
        core.write_settlement_report(due_on=DUE_ON)
        assert core.list_unpaid_dates().listed == []


class TestFindUnreportedDates:
    @pytest.mark.parametrize("days_later", [0, 400])
    def test_finds_a_settled_date_without_a_report_however_old(
        self, core: Core, clock: SettableClock, days_later: int
    ) -> None:
        a_payable(core)
        clock.advance(days=30)
        core.settle_payables(due_on=DUE_ON)
        clock.advance(days=days_later)

        assert core.find_unreported_dates() == [DUE_ON]
        core.write_settlement_report(due_on=DUE_ON)
        assert core.find_unreported_dates() == []

    def test_finds_a_report_that_lacks_what_was_settled_since(self, core: Core, clock: SettableClock) -> None:
        a_payable(core)
        clock.advance(days=30)
        core.settle_payables(due_on=DUE_ON)
        core.write_settlement_report(due_on=DUE_ON)
        clock.instant = NOON
        a_payable(core, customer_id="merchant-2")
        clock.instant = NOON + timedelta(days=31)
        core.settle_payables(due_on=DUE_ON)

        assert core.find_unreported_dates() == [DUE_ON]
        core.write_settlement_report(due_on=DUE_ON)
        assert core.find_unreported_dates() == []

    def test_leaves_a_settlement_that_stayed_open_to_a_person(self, core: Core, clock: SettableClock) -> None:
        a_payable(core)
        clock.advance(days=30)
        settle_one_and_die(core.settle_payables, DUE_ON)

        assert core.find_unreported_dates() == []
        assert core.list_unpaid_dates().listed == [UnpaidDate(DUE_ON, lacks_report=True)]
