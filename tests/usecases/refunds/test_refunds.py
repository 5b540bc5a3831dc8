"""Refunds: what is taken back, when, what of the fee is returned, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.errors import (
    AlreadyRefunded,
    IdempotencyKeyReused,
    InsufficientFunds,
    LedgerNotOpen,
    NotFound,
    RefundExceedsCaptured,
    RefundOver,
    TransactionNotReady,
)
from psp_core.domain.kernel.money import Currency
from tests.builders import SettableClock, a_new_transaction, a_submission
from tests.usecases.ledger.books_of import balances, execute, postings, rows_of
from tests.usecases.refunds.sales import all_balances, pay_out, poured, refund, refund_answer, sell, taken_back

DUE_ON = date(2026, 4, 9)  # 30 days after NOON


class TestARefundBeforeTheDueDate:
    def test_takes_back_the_credit_on_its_own_date(self, core: Core) -> None:
        sale = sell(core, amount_minor=8_000)

        refund(core, sale, 2_000)

        assert taken_back(core) == [("refund", 1, -2_000, -100, "2026-04-09")]
        assert postings(core, "refund") == [
            ("fee_revenue", "debit", 100),
            ("merchant_pending", "debit", 1_900),
            ("acquirer_receivable", "credit", 2_000),
        ]
        assert balances(core) == (5_700, 0, 0)

    def test_of_everything_leaves_each_account_at_zero(self, core: Core, clock: SettableClock) -> None:
        sale = sell(core, amount_minor=8_000, installments=3)

        refund(core, sale)

        sums = "SELECT account, sum(CASE side WHEN 'debit' THEN amount_minor ELSE -amount_minor END)::bigint"
        assert {row[1] for row in rows_of(core, f"{sums} FROM ledger_postings GROUP BY account")} == {0}
        assert all_balances(core) == (0, 0, 0, 0, 0)
        clock.advance(days=30)
        core.settle_payables(due_on=DUE_ON)
        assert rows_of(core, "SELECT payable_count, gross_minor, fee_minor, net_minor, status FROM settlements") == [
            (2, 0, 0, 0, "closed")
        ]

    def test_takes_the_earliest_installment_first(self, core: Core) -> None:
        sale = sell(core, amount_minor=9_000, installments=3)

        refund(core, sale, 4_000)

        assert taken_back(core) == [
            ("refund", 1, -3_000, -150, "2026-04-09"),
            ("refund", 2, -1_000, -50, "2026-05-09"),
        ]

    def test_returns_in_three_parts_exactly_the_fee(self, core: Core) -> None:
        sale = sell(core, amount_minor=999)  # a fee of 49

        for amount_minor in (333, 333, None):
            refund(core, sale, amount_minor)

        assert [row[3] for row in taken_back(core)] == [-16, -16, -17]
        assert all_balances(core) == (0, 0, 0, 0, 0)


class TestARefundAfterTheDueDate:
    def test_is_due_the_next_open_day_and_comes_from_what_is_available(self, core: Core, clock: SettableClock) -> None:
        sale = sell(core, amount_minor=8_000)
        clock.advance(days=30)
        core.settle_payables(due_on=DUE_ON)

        refund(core, sale, 2_000)
        assert taken_back(core) == [("refund", 1, -2_000, -100, "2026-04-10")]
        assert all_balances(core) == (-1_900, 0, 7_600, 0, 0)
        clock.advance(days=1)
        core.settle_payables(due_on=date(2026, 4, 10))

        assert poured(core) == [(7_600, 0, 7_600, 0, 0, 0), (-1_900, 0, 0, 1_900, 0, 0)]
        assert all_balances(core) == (0, 0, 5_700, 0, 0)

    def test_takes_what_waits_before_what_was_paid(self, core: Core, clock: SettableClock) -> None:
        sale = sell(core, amount_minor=9_000, installments=3)
        clock.advance(days=30)
        core.settle_payables(due_on=DUE_ON)

        refund(core, sale, 7_000)

        assert [row[1:3] + row[4:] for row in taken_back(core)] == [
            (2, -3_000, "2026-05-09"),
            (3, -3_000, "2026-06-08"),
            (1, -1_000, "2026-04-10"),
        ]

    def test_of_a_debit_sale_is_settled_like_any_other(self, core: Core, clock: SettableClock) -> None:
        sale = sell(core, amount_minor=1_000, payment_method=PaymentMethod.DEBIT_CARD)

        refund(core, sale)
        assert taken_back(core) == [("refund", 1, -1_000, -30, "2026-03-11")]
        clock.advance(days=2)
        for day in (10, 11):
            core.settle_payables(due_on=date(2026, 3, day))

        assert all_balances(core) == (0, 0, 0, 0, 0)
        assert core.find_unsettled_dates() == []
        assert rows_of(
            core,
            "SELECT due_on::text, payable_count, net_minor, available_count, available_net_minor FROM settlements"
            " ORDER BY due_on",
        ) == [("2026-03-10", 0, 0, 1, 970), ("2026-03-11", 1, -970, 0, 0)]

    def test_waits_for_an_open_day_of_its_rules_calendar(self, core: Core, clock: SettableClock) -> None:
        clock.instant = datetime(2026, 2, 13, 12, tzinfo=UTC)  # the Friday before Carnival
        self._rule(core, clock, "calendar: brazil")
        sale = sell(core, amount_minor=1_000)
        execute(
            core.settings, "UPDATE payables SET status = 'paid', paid_at = now(), settlement_id = gen_random_uuid()"
        )

        refund(core, sale, 100)

        assert taken_back(core)[0][4] == "2026-02-18"
        execute(core.settings, "UPDATE payables SET status = 'waiting_funds', paid_at = NULL, settlement_id = NULL")

    def test_keeps_the_fee_where_the_plan_says_so(self, core: Core, clock: SettableClock) -> None:
        self._rule(core, clock, "refund_fee: kept")
        sale = sell(core, amount_minor=8_000)

        refund(core, sale)

        assert [row[2:4] for row in taken_back(core)] == [(-8_000, 0)]
        assert all_balances(core) == (-400, 0, 0, 0, 0)

    @staticmethod
    def _rule(core: Core, clock: SettableClock, term: str) -> None:
        execute(
            core.settings,
            "INSERT INTO plan_rules (id, customer_id, fee_bps, fee_fixed_minor, fee_min_minor, rounding, fee_basis,"
            " delay, delay_unit, step, step_unit, calendar, roll, closes_at, paid_from, valid, reason, created_at,"
            " refund_fee) SELECT gen_random_uuid(), 'merchant-1', 500, 0, 0, 'down', 'whole', 30, 'days', 30, 'days',"
            f" '{'brazil' if 'brazil' in term else 'every_day'}', '{'following' if 'brazil' in term else 'none'}',"
            f" '00:00+1', 'start_of_day', tstzrange('{clock.now()}', NULL), 'a test', '{clock.now()}',"
            f" '{'kept' if 'kept' in term else 'returned'}'",
        )


class TestARefundThatFails:
    def test_is_mirrored_and_never_edited(self, core: Core, clock: SettableClock) -> None:
        sale = sell(core, amount_minor=8_000)
        clock.advance(days=30)
        core.settle_payables(due_on=DUE_ON)
        id = refund(core, sale, 2_000)
        before = rows_of(core, "SELECT * FROM payables ORDER BY id")

        core.fail_refund(id, reason="the card is closed")

        assert rows_of(core, "SELECT * FROM payables WHERE type <> 'refund_reversal' ORDER BY id") == before
        assert taken_back(core) == [
            ("refund", 1, -2_000, -100, "2026-04-10"),
            ("refund_reversal", 1, 2_000, 100, "2026-04-10"),
        ]
        assert all_balances(core) == (0, 0, 7_600, 0, 0)
        failed = core.read_merchant.refund("merchant-1", id=id)
        assert (failed.status, failed.failure_reason) == ("failed", "the card is closed")

    def test_gives_back_on_the_date_on_which_it_would_have_taken(self, core: Core) -> None:
        sale = sell(core, amount_minor=8_000)

        core.fail_refund(refund(core, sale, 2_000), reason="none such")

        # Not the next open day: the credit itself waits until then.
        assert taken_back(core)[1] == ("refund_reversal", 1, 2_000, 100, "2026-04-09")

    def test_may_be_made_again(self, core: Core) -> None:
        sale = sell(core, amount_minor=8_000)
        core.fail_refund(refund(core, sale), reason="none such")

        refund(core, sale)

        assert all_balances(core) == (0, 0, 0, 0, 0)

    def test_fails_once(self, core: Core) -> None:
        id = refund(core, sell(core))
        core.fail_refund(id, reason="none such")

        with pytest.raises(RefundOver):
            core.fail_refund(id, reason="again")
        with pytest.raises(NotFound):
            core.fail_refund(UUID(int=7), reason="nobody's")


class TestARefundIsRefused:
    def test_above_what_is_left(self, core: Core) -> None:
        sale = sell(core, amount_minor=2_500)
        refund(core, sale, 2_000)

        with pytest.raises(RefundExceedsCaptured, match="500 minor units are left"):
            refund(core, sale, 501)
        refund(core, sale, 500)
        with pytest.raises(RefundExceedsCaptured):
            refund(core, sale, 1)
        with pytest.raises(AlreadyRefunded):
            refund(core, sale)

    def test_of_anothers_transaction(self, core: Core) -> None:
        sale = sell(core)

        with pytest.raises(NotFound):
            refund(core, sale, customer_id="merchant-2")
        with pytest.raises(NotFound):
            refund(core, UUID(int=7))

    def test_before_its_payables_are_made(self, core: Core) -> None:
        core.accept_transactions([a_submission(a_new_transaction())])
        [(sale,)] = rows_of(core, "SELECT id FROM transactions")

        with pytest.raises(TransactionNotReady):
            refund(core, sale)
        core.keep_relaying().run_until_empty()
        core.drain_queue()
        refund(core, sale)

    def test_while_what_existed_is_being_booked(self, core: Core) -> None:
        sale = sell(core)
        execute(core.settings, "INSERT INTO ledger_state (opened_until) VALUES (gen_random_uuid())")

        with pytest.raises(LedgerNotOpen):
            refund(core, sale)
        execute(core.settings, "DELETE FROM ledger_state")

    def test_below_the_merchants_limit(self, core: Core, clock: SettableClock) -> None:
        sale = sell(core, amount_minor=8_000)
        clock.advance(days=30)
        core.settle_payables(due_on=DUE_ON)
        pay_out(core, 7_600)
        core.set_merchant_terms("merchant-1", Currency.BRL, changed={"negative_limit_minor": 950})

        with pytest.raises(InsufficientFunds):
            refund(core, sale, 1_001)
        refund(core, sale, 1_000)
        with pytest.raises(InsufficientFunds):
            refund(core, sale, 100)
        core.set_merchant_terms("merchant-1", Currency.BRL, changed={"negative_limit_minor": None})
        refund(core, sale)


class TestAKey:
    def test_gets_the_first_answer_again(self, core: Core) -> None:
        sale = sell(core, amount_minor=2_500)

        first = refund_answer(core, sale, 2_500, key="a")

        assert refund_answer(core, sale, 2_500, key="a") == replace(first, replayed=True)
        assert rows_of(core, "SELECT count(*) FROM refunds") == [(1,)]

    def test_belongs_to_one_request(self, core: Core) -> None:
        sale, other = sell(core), sell(core)
        refund(core, sale, 100, key="a")

        for transaction_id, amount_minor in ((sale, 200), (other, 100)):
            with pytest.raises(IdempotencyKeyReused):
                refund(core, transaction_id, amount_minor, key="a")
        assert rows_of(core, "SELECT count(*) FROM refunds") == [(1,)]

    def test_is_not_used_up_by_what_is_refused(self, core: Core) -> None:
        sale = sell(core, amount_minor=100)
        with pytest.raises(RefundExceedsCaptured):
            refund(core, sale, 101, key="a")

        refund(core, sale, 100, key="a")
