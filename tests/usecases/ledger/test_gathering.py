"""Debit that is gathered into settlements (docs/decisions/026): available since its capture, so it posts nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import PaymentMethod
from tests.builders import NOON, SettableClock, a_new_transaction
from tests.killed import DiesWhenItPosts, Killed, settle_one_and_die
from tests.usecases.ledger.books_of import accept_and_drain, balances, entries, execute, rows_of
from tests.usecases.ledger.test_opening import OLD_DRAIN

DAY = NOON.date()
OLD_CREDIT_DUE_ON_DAY = (
    "INSERT INTO transactions SELECT uuid7_at('2026-03-10 12:00Z'), 'merchant-1', 'pending_payment', 1000,"
    " 'BRL', 'credit_card', 1, '', NULL, 'Luke', '2030-01-01', '1111', 'visa', '2026-03-10 12:00Z', now()",
    OLD_DRAIN,
    f"UPDATE payables SET due_on = '{DAY}' WHERE payment_method = 'credit_card'",
)


def sell_debit(core: Core, *, amount_minor: int, customer_id: str = "merchant-1") -> None:
    method = PaymentMethod.DEBIT_CARD
    accept_and_drain(core, a_new_transaction(customer_id=customer_id, amount_minor=amount_minor, payment_method=method))


class TestGathering:
    def test_posts_nothing(self, core: Core, clock: SettableClock) -> None:
        sell_debit(core, amount_minor=1_000)
        clock.advance(days=1)

        core.settle_payables(due_on=DAY)

        assert balances(core) == (0, 0, 970)
        assert [kind for kind, _, _ in entries(core)] == ["capture"]
        assert rows_of(core, "SELECT status, available_net_minor, to_available_minor, entry_id FROM settlements") == [
            ("closed", 970, 0, None)
        ]
        assert core.check_books.everything() == []

    def test_makes_available_only_what_the_same_settlement_pays_out(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, a_new_transaction(amount_minor=8_000))
        clock.advance(days=30)
        sell_debit(core, amount_minor=1_000)
        due_on = clock.now().date()
        clock.advance(days=1)

        core.settle_payables(due_on=due_on)

        assert balances(core) == (0, 0, 970 + 7_600)
        assert rows_of(core, "SELECT available_net_minor, net_minor, to_available_minor FROM settlements") == [
            (970, 7_600, 7_600)
        ]
        assert core.check_books.everything() == []

    def test_keeps_a_settlement_of_debit_apart_from_those_of_before_the_ledger(
        self, core: Core, clock: SettableClock
    ) -> None:
        sell_debit(core, amount_minor=1_000)
        clock.advance(days=1)
        settle_one_and_die(core.settle_payables, DAY)
        # What a drain of before makes late joins the settlement that is open for debit, and is booked afterwards.
        execute(core.settings, *OLD_CREDIT_DUE_ON_DAY)

        core.settle_payables(due_on=DAY)
        core.book_what_exists()

        assert rows_of(core, "SELECT payable_count, available_count FROM settlements") == [(1, 1)]
        assert balances(core) == (0, 0, 970 + 950)
        assert core.check_books.everything() == []


class TestARunForSomeMerchants:
    def test_closes_theirs_alone(self, core: Core, clock: SettableClock) -> None:
        names = ["merchant-1", "merchant-2"]
        accept_and_drain(core, *(a_new_transaction(customer_id=name, amount_minor=1_000) for name in names))
        clock.advance(days=30)
        due_on = clock.now().date()
        settle = core.settle_payables
        # Both were paid, and nothing is closed.
        with pytest.raises(Killed):
            replace(settle, store=DiesWhenItPosts(settle.store, dies_at=2))(due_on=due_on)

        settle(due_on=due_on, merchants=["merchant-1"])

        assert [balances(core, name) for name in names] == [(0, 0, 950), (0, 950, 0)]
        assert core.check_books() == []
        assert core.find_unsettled_dates() == [due_on]
