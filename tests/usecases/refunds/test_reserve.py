"""What is kept back of a merchant's settlements, what takes it, and when it is released."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from psp_core.bootstrap import Core
from psp_core.domain.kernel.money import Currency
from psp_core.settings import Settings
from tests.builders import SettableClock
from tests.usecases.ledger.books_of import execute, postings, rows_of
from tests.usecases.refunds.sales import all_balances, pay_out, refund, sell

DUE_ON = date(2026, 4, 9)
LOTS = "SELECT amount_minor, left_minor, release_on::text FROM reserve_lots ORDER BY release_on, amount_minor"


@pytest.fixture
def core(core: Core) -> Core:
    """Of each settlement of merchant-1, 10 % of what is above zero are kept back for 90 days."""
    sell(core, amount_minor=8_000)
    core.set_merchant_terms("merchant-1", Currency.BRL, changed={"reserve_bps": 1_000, "reserve_days": 90})
    return core


def settled(core: Core, clock: SettableClock) -> None:
    clock.advance(days=30)
    core.settle_payables(due_on=DUE_ON)


class TestAReserve:
    def test_is_kept_back_of_a_settlement(self, core: Core, clock: SettableClock) -> None:
        settled(core, clock)

        assert all_balances(core) == (0, 0, 6_840, 760, 0)
        assert rows_of(core, LOTS) == [(760, 760, "2026-07-08")]
        assert postings(core, "close") == [
            ("merchant_settling", "debit", 7_600),
            ("merchant_available", "credit", 6_840),
            ("merchant_reserve", "credit", 760),
        ]
        assert rows_of(core, "SELECT net_minor, reserve_withheld_minor, to_available_minor FROM settlements") == [
            (7_600, 760, 6_840)
        ]

    def test_is_of_what_is_above_zero_and_never_more_than_is_left(self, core: Core, clock: SettableClock) -> None:
        [(sale,)] = rows_of(core, "SELECT id FROM transactions")
        refund(core, sale, 7_500)

        settled(core, clock)

        # A tenth of 7,600 are 760, of which 475 were left.
        assert all_balances(core) == (0, 0, 0, 475, 0)

    def test_comes_after_debt(self, core: Core, clock: SettableClock) -> None:
        execute(
            core.settings,
            "WITH entry AS (INSERT INTO ledger_entries SELECT uuid7_at(now()), 'correction', 'BRL', '2026-03-10',"
            " now(), 'owed', NULL RETURNING id) INSERT INTO ledger_postings SELECT id, account, customer_id, side, 7000"
            " FROM entry, (VALUES ('merchant_receivable', 'merchant-1', 'debit'), ('write_off', NULL, 'credit'))"
            " AS sides (account, customer_id, side)",
            "UPDATE ledger_balances SET debt_minor = 7000",
        )

        settled(core, clock)

        assert all_balances(core) == (0, 0, 0, 600, 0)

    def test_is_taken_the_oldest_first_before_there_is_debt(self, core: Core, clock: SettableClock) -> None:
        [(sale,)] = rows_of(core, "SELECT id FROM transactions")
        settled(core, clock)
        for amount_minor, days in ((1_000, 30), (2_000, 31)):
            sell(core, amount_minor=amount_minor)
            clock.advance(days=days)
            for day in core.find_unsettled_dates():
                core.settle_payables(due_on=day)
        assert [lot[:2] for lot in rows_of(core, LOTS)] == [(760, 760), (95, 95), (190, 190)]
        pay_out(core, all_balances(core)[2])

        refund(core, sale, 900)
        clock.advance(days=1)
        for day in core.find_unsettled_dates():
            core.settle_payables(due_on=day)

        assert [lot[:2] for lot in rows_of(core, LOTS)] == [(760, 0), (95, 0), (190, 190)]
        assert all_balances(core) == (0, 0, 0, 190, 0)
        refund(core, sale)
        clock.advance(days=1)
        for day in core.find_unsettled_dates():
            core.settle_payables(due_on=day)
        assert all_balances(core) == (0, 0, 0, 0, 7_600 - 855 - 190)


class TestItsRelease:
    def test_is_on_its_date_and_once(self, core: Core, clock: SettableClock) -> None:
        settled(core, clock)
        clock.advance(days=89)
        assert core.release_reserve() == []
        clock.advance(days=1)

        released = core.release_reserve()

        assert [(each.customer_id, each.net_minor) for each in released] == [("merchant-1", 760)]
        assert core.release_reserve() == []
        assert all_balances(core) == (0, 0, 7_600, 0, 0)
        assert postings(core, "reserve_release") == [
            ("merchant_reserve", "debit", 760),
            ("merchant_available", "credit", 760),
        ]

    def test_repays_debt_first(self, core: Core, clock: SettableClock) -> None:
        settled(core, clock)
        execute(
            core.settings,
            "WITH entry AS (INSERT INTO ledger_entries SELECT uuid7_at(now()), 'correction', 'BRL', '2026-04-09',"
            " now(), 'owed', NULL RETURNING id) INSERT INTO ledger_postings"
            " SELECT id, account, customer_id, side, amount FROM entry,"
            " (VALUES ('merchant_receivable', 'merchant-1', 'debit', 700),"
            " ('merchant_available', 'merchant-1', 'debit', 6840), ('write_off', NULL, 'credit', 7540))"
            " AS sides (account, customer_id, side, amount)",
            "UPDATE ledger_balances SET debt_minor = 700, available_minor = 0",
        )
        clock.advance(days=90)

        core.release_reserve()

        assert all_balances(core) == (0, 0, 60, 0, 0)

    def test_at_once_by_many_is_one(self, core: Core, settings: Settings, clock: SettableClock) -> None:
        settled(core, clock)
        clock.advance(days=90)

        with ThreadPoolExecutor(5) as threads:
            released = [each for some in threads.map(lambda _: core.release_reserve(), range(5)) for each in some]

        assert [each.net_minor for each in released] == [760]
        assert all_balances(core) == (0, 0, 7_600, 0, 0)


class TestTheBooks:
    def test_compare_a_reserve_with_its_lots(self, core: Core, clock: SettableClock) -> None:
        settled(core, clock)
        execute(core.settings, "UPDATE reserve_lots SET left_minor = left_minor - 1")

        found = {each.rule for each in core.check_books()}

        execute(core.settings, "UPDATE reserve_lots SET left_minor = left_minor + 1")
        assert found == {"ledger_reserve_is_what_is_left_of_its_lots"}
