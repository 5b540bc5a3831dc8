"""A refund, its failure and a closing below zero, each killed after its posting and before its commit: nothing of it
is there, and the next attempt does all of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from psp_core.bootstrap import Core
from tests.builders import SettableClock
from tests.killed import DiesWhenItPosts, Killed
from tests.usecases.ledger.books_of import rows_of
from tests.usecases.refunds.sales import all_balances, refund, refund_answer, sell, taken_back


class TestKilled:
    def test_a_refund_is_not_there_and_its_key_is_free(self, core: Core) -> None:
        sale = sell(core, amount_minor=8_000)
        create = core.create_refund
        dying = replace(create, store=DiesWhenItPosts(create.store, dies_at=1))

        with pytest.raises(Killed):
            refund_answer(core, sale, 2_000, key="a", create=dying)

        for table in ("refunds", "returned_amounts", "idempotency_keys"):
            assert rows_of(core, f"SELECT count(*) FROM {table}") == [(0,)]
        assert taken_back(core) == []
        assert all_balances(core) == (7_600, 0, 0, 0, 0)
        refund(core, sale, 2_000, key="a")
        assert all_balances(core) == (5_700, 0, 0, 0, 0)

    def test_a_failure_is_not_there(self, core: Core) -> None:
        id = refund(core, sell(core, amount_minor=8_000), 2_000)
        fail = core.fail_refund

        with pytest.raises(Killed):
            replace(fail, store=DiesWhenItPosts(fail.store, dies_at=1))(id, reason="a test")

        assert rows_of(core, "SELECT status FROM refunds") == [("succeeded",)]
        fail(id, reason="a test")
        assert all_balances(core) == (7_600, 0, 0, 0, 0)

    def test_a_closing_leaves_what_is_available_untouched(self, core: Core, clock: SettableClock) -> None:
        sale = sell(core, amount_minor=8_000)
        clock.advance(days=30)
        settle, due_on, next_day = core.settle_payables, date(2026, 4, 9), date(2026, 4, 10)
        settle(due_on=due_on)
        refund(core, sale, 2_000)
        clock.advance(days=1)

        for dies_at, balances in ((1, (-1_900, 0, 7_600, 0, 0)), (2, (0, -1_900, 7_600, 0, 0))):
            with pytest.raises(Killed):
                replace(settle, store=DiesWhenItPosts(settle.store, dies_at=dies_at))(due_on=next_day)
            assert all_balances(core) == balances

        settle(due_on=next_day)
        assert all_balances(core) == (0, 0, 5_700, 0, 0)
