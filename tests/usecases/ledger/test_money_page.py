"""Each example of docs/money.md, to the cent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.accounts import Account, Side
from psp_core.domain.ledger.entries import Posting
from psp_core.domain.ledger.journal import Existing, opening_entries
from tests.builders import NOON, SettableClock, a_new_transaction, a_submission
from tests.killed import DiesWhenItPosts, Killed
from tests.usecases.ledger.books_of import accept_and_drain, balances, entries, execute, postings, rows_of

DAY = date(2026, 3, 10)
DUE_ON = date(2026, 4, 9)


class TestASaleByCreditCard:
    def test_is_pending_settling_and_available_in_turn(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(core, a_new_transaction(amount_minor=8_000))
        assert postings(core, "capture") == [
            ("acquirer_receivable", "debit", 8_000),
            ("fee_revenue", "credit", 400),
            ("merchant_pending", "credit", 7_600),
        ]
        assert balances(core) == (7_600, 0, 0)
        assert rows_of(core, "SELECT count(*) FROM payables JOIN ledger_entries AS e ON e.id = entry_id") == [(1,)]
        clock.advance(days=30)

        settle = core.settle_payables
        with pytest.raises(Killed):
            replace(settle, store=DiesWhenItPosts(settle.store, dies_at=2))(due_on=DUE_ON)
        assert postings(core, "settle") == [
            ("merchant_pending", "debit", 7_600),
            ("merchant_settling", "credit", 7_600),
        ]
        assert balances(core) == (0, 7_600, 0)

        settle(due_on=DUE_ON)
        assert postings(core, "close") == [
            ("merchant_settling", "debit", 7_600),
            ("merchant_available", "credit", 7_600),
        ]
        assert balances(core) == (0, 0, 7_600)
        assert entries(core) == [
            ("capture", "2026-03-10", None),
            ("settle", "2026-04-09", "2026-04-09"),
            ("close", "2026-04-09", "2026-04-09"),
        ]


class TestASaleByDebitCard:
    def test_is_available_at_once(self, core: Core) -> None:
        accept_and_drain(core, a_new_transaction(amount_minor=1_000, payment_method=PaymentMethod.DEBIT_CARD))

        assert postings(core, "capture") == [
            ("acquirer_receivable", "debit", 1_000),
            ("fee_revenue", "credit", 30),
            ("merchant_available", "credit", 970),
        ]
        assert balances(core) == (0, 0, 970)


class TestOneCommit:
    def test_of_many_sales_is_one_entry(self, core: Core) -> None:
        accept_and_drain(
            core,
            a_new_transaction(customer_id="a", amount_minor=8_000),
            a_new_transaction(customer_id="a", amount_minor=2_000),
            a_new_transaction(customer_id="b", amount_minor=1_000, payment_method=PaymentMethod.DEBIT_CARD),
        )

        assert postings(core, "capture") == [
            ("acquirer_receivable", "debit", 11_000),
            ("fee_revenue", "credit", 530),
            ("merchant_available", "credit", 970),
            ("merchant_pending", "credit", 9_500),
        ]
        assert len(entries(core)) == 1


class TestASaleThatIsDrainedLate:
    @pytest.mark.parametrize(("sealed_days", "effective_on"), [(0, "2026-03-10"), (1, "2026-03-11")])
    def test_is_effective_on_a_day_that_is_open(
        self, core: Core, clock: SettableClock, sealed_days: int, effective_on: str
    ) -> None:
        core.accept_transactions([a_submission(a_new_transaction())])
        clock.advance(days=2)
        for number in range(sealed_days):
            core.seal_days(DAY + timedelta(days=number))

        core.keep_relaying().run_until_empty()
        core.drain_queue()

        assert [entry[1] for entry in entries(core)] == [effective_on]


class TestACorrection:
    def test_is_a_mirror_and_then_the_right_entry(self, core: Core) -> None:
        accept_and_drain(core, a_new_transaction(amount_minor=8_000))
        execute(
            core.settings,
            "UPDATE ledger_postings SET amount_minor = 500 WHERE account = 'fee_revenue'",
            "UPDATE ledger_postings SET amount_minor = 7500 WHERE account = 'merchant_pending'",
            "UPDATE ledger_balances SET pending_minor = 7500",
        )
        right = [
            Posting(Account.ACQUIRER_RECEIVABLE, None, Side.DEBIT, 8_000),
            Posting(Account.MERCHANT_PENDING, "merchant-1", Side.CREDIT, 7_600),
            Posting(Account.FEE_REVENUE, None, Side.CREDIT, 400),
        ]

        [(wrong,)] = rows_of(core, "SELECT id FROM ledger_entries")
        core.reverse_entry(wrong, reason="the fee was 400", instead=right)

        assert postings(core, "reversal") == [
            ("fee_revenue", "debit", 500),
            ("merchant_pending", "debit", 7_500),
            ("acquirer_receivable", "credit", 8_000),
        ]
        assert postings(core, "correction") == [
            ("acquirer_receivable", "debit", 8_000),
            ("fee_revenue", "credit", 400),
            ("merchant_pending", "credit", 7_600),
        ]
        assert balances(core) == (7_600, 0, 0)


class TestASealedDay:
    def test_has_a_trial_balance(self, core: Core, clock: SettableClock) -> None:
        accept_and_drain(
            core,
            a_new_transaction(amount_minor=8_000),
            a_new_transaction(amount_minor=1_000, payment_method=PaymentMethod.DEBIT_CARD),
        )
        clock.advance(days=1)

        sealed = core.seal_days(DAY)

        assert [(each.account, each.debit_minor, each.credit_minor, each.balance_minor) for each in sealed.totals] == [
            ("acquirer_receivable", 9_000, 0, 9_000),
            ("fee_revenue", 0, 430, 430),
            ("merchant_available", 0, 970, 970),
            ("merchant_pending", 0, 7_600, 7_600),
        ]


class TestWhatExistedBefore:
    def test_is_booked_as_available_where_it_was_paid(self) -> None:
        existing = [
            Existing(DAY, "a", Currency.BRL, is_available=True, fee_minor=50 + 30, net_minor=950 + 970),
            Existing(DAY, "a", Currency.BRL, is_available=False, fee_minor=50, net_minor=950),
        ]

        [entry] = opening_entries({(Currency.BRL, DAY): UUID(int=1)}, existing, source="0..1", now=NOON)

        assert set(entry.postings) == {
            Posting(Account.ACQUIRER_RECEIVABLE, None, Side.DEBIT, 3_000),
            Posting(Account.MERCHANT_AVAILABLE, "a", Side.CREDIT, 950 + 970),
            Posting(Account.MERCHANT_PENDING, "a", Side.CREDIT, 950),
            Posting(Account.FEE_REVENUE, None, Side.CREDIT, 130),
        }
