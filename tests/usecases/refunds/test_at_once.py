"""Refunds at once, on connections of their own, and beside a settlement of the same sale."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest

from psp_core.bootstrap import Core
from psp_core.domain.kernel.errors import AlreadyRefunded, DomainError, IdempotencyKeyReused, RefundExceedsCaptured
from psp_core.settings import Settings
from tests.builders import SettableClock
from tests.usecases.ledger.books_of import rows_of
from tests.usecases.refunds.sales import all_balances, refund, refund_answer, sell, taken_back

AT_ONCE = 50
DUE_ON = date(2026, 4, 9)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A connection for each of them."""
    return settings.model_copy(update={"database_pool_size": AT_ONCE + 2})


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Return what each returned or was refused with; all begin together."""
    together = Barrier(len(calls))

    def begin(call: Callable[[], Any]) -> Any:
        together.wait()
        try:
            return call()
        except DomainError as refusal:
            return type(refusal)

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(begin, calls))


class TestFiftyRefundsAtOnce:
    def test_give_back_no_more_than_was_captured(self, core: Core) -> None:
        sale = sell(core, amount_minor=2_500)

        outcomes = at_once(*[lambda: refund(core, sale, 100)] * AT_ONCE)

        assert outcomes.count(RefundExceedsCaptured) == 25
        assert len({each for each in outcomes if isinstance(each, UUID)}) == 25
        assert all_balances(core) == (0, 0, 0, 0, 0)
        assert rows_of(core, "SELECT captured_minor, refunded_minor FROM returned_amounts") == [(2_500, 2_500)]

    def test_return_exactly_the_fee(self, core: Core) -> None:
        sale = sell(core, amount_minor=999, installments=3)

        at_once(*[lambda: refund(core, sale, 20)] * AT_ONCE)
        with suppress(AlreadyRefunded):
            refund(core, sale)

        assert sum(row[3] for row in taken_back(core)) == -49
        assert all_balances(core) == (0, 0, 0, 0, 0)

    def test_with_one_key_are_one(self, core: Core) -> None:
        sale = sell(core, amount_minor=2_500)

        answers = at_once(*[lambda: refund_answer(core, sale, 2_500, key="a")] * AT_ONCE)

        assert len({each.body for each in answers}) == 1
        assert [each.replayed for each in answers].count(False) == 1
        assert rows_of(core, "SELECT count(*) FROM refunds") == [(1,)]

    def test_with_one_key_for_two_sales_are_one(self, core: Core) -> None:
        sales = [sell(core), sell(core)]

        outcomes = at_once(*[lambda sale=sale: refund(core, sale, 100, key="a") for sale in sales * 5])

        refunded = {each for each in outcomes if isinstance(each, UUID)}
        assert len(refunded) == 1
        assert outcomes.count(IdempotencyKeyReused) == 5
        assert rows_of(core, "SELECT count(*) FROM refunds") == [(1,)]


class TestARefundBesideASettlement:
    def test_of_the_same_sales_loses_and_doubles_nothing(
        self, core: Core, settings: Settings, clock: SettableClock
    ) -> None:
        sales = [sell(core, amount_minor=1_000, installments=1 + number % 2) for number in range(12)]
        clock.advance(days=30)

        at_once(
            lambda: core.settle_payables(due_on=DUE_ON),
            *[lambda sale=sale: refund(core, sale, 300) for sale in sales],
            *[lambda sale=sale: refund(core, sale, 200) for sale in sales],
        )
        for _ in range(2):
            for day in core.find_unsettled_dates():
                core.settle_payables(due_on=day)
            clock.advance(days=1)

        # Six are paid in all, six by half.
        [(settled,)] = rows_of(core, "SELECT sum(receivable_minor)::bigint FROM payables WHERE status = 'paid'")
        pending, settling, available, _, debt = all_balances(core)
        assert (settling, available - debt) == (0, settled)
        assert pending + settled == 12 * (1_000 - 50) - 12 * (500 - 25)
        assert rows_of(core, "SELECT count(*) FROM refunds") == [(24,)]


class TestTwoSettlementsOfOneMerchantAtOnce:
    def test_pour_into_what_the_other_left(self, core: Core, settings: Settings, clock: SettableClock) -> None:
        old = sell(core, amount_minor=10_000)
        clock.advance(days=30)
        core.settle_payables(due_on=DUE_ON)
        refund(core, old)
        sell(core, amount_minor=4_000)
        clock.advance(days=30)
        days = core.find_unsettled_dates()

        at_once(*[lambda day=day: core.settle_payables(due_on=day) for day in days])

        assert len(days) == 2
        assert all_balances(core) == (0, 0, 3_800, 0, 0)
