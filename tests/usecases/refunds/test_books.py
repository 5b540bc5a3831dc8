"""The books find what an outside hand does to money that comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from psp_core.bootstrap import Core
from psp_core.settings import Settings
from tests.builders import SettableClock
from tests.logins import core_of_logins
from tests.reach import create_queues
from tests.usecases.ledger.books_of import execute
from tests.usecases.refunds.sales import refund, sell


@pytest.fixture
def refunded(settings: Settings, clock: SettableClock) -> Iterator[Core]:
    """A sale of 8,000 of which 2,000 were given back before it was settled, and 1,000 that failed after that."""
    core = core_of_logins(settings, clock=clock)
    create_queues(core)
    sale = sell(core, amount_minor=8_000)
    refund(core, sale, 2_000)
    clock.advance(days=30)
    core.settle_payables(due_on=date(2026, 4, 9))
    core.fail_refund(refund(core, sale, 1_000), reason="a test")
    yield core
    core.close()


class TestTheBooks:
    def test_balance(self, refunded: Core) -> None:
        assert refunded.check_books() == []
        assert refunded.check_books.everything() == []

    @pytest.mark.parametrize(
        ("rule", "statement"),
        [
            (
                "refunds_are_at_most_what_was_captured",
                "UPDATE payables SET amount_minor = -9000, receivable_minor = -8900 WHERE amount_minor = -2000",
            ),
            (
                "refunds_of_an_installment_are_at_most_its_credit",
                "UPDATE payables SET fee_minor = -500, receivable_minor = -1500 WHERE amount_minor = -2000",
            ),
            (
                "refund_is_its_payables",
                "UPDATE payables SET fee_minor = -99, receivable_minor = -1901 WHERE amount_minor = -2000",
            ),
            ("refund_is_its_payables", "DELETE FROM payables WHERE type = 'refund_reversal'"),
            ("refund_is_its_payables", "DELETE FROM refunds"),
            (
                "refund_is_its_payables",
                "UPDATE refunds SET status = 'succeeded', failure_reason = NULL, failed_entry_id = NULL",
            ),
            ("what_came_back_is_the_refunds", "UPDATE returned_amounts SET refunded_minor = 3000"),
            ("what_came_back_is_the_refunds", "UPDATE returned_amounts SET captured_minor = 8001"),
            ("what_came_back_is_the_refunds", "DELETE FROM returned_amounts"),
            (
                "ledger_capture_is_its_payables",
                "UPDATE payables SET fee_minor = -99, receivable_minor = -1901 WHERE amount_minor = -2000",
            ),
            ("ledger_payable_has_an_entry", "UPDATE payables SET entry_id = gen_random_uuid() WHERE type = 'refund'"),
            (
                "ledger_close_is_its_settlements",
                "UPDATE settlements SET to_available_minor = to_available_minor - 1, recovered_minor = 1",
            ),
        ],
    )
    def test_show(self, refunded: Core, settings: Settings, rule: str, statement: str) -> None:
        execute(settings, statement)

        assert rule in {discrepancy.rule for discrepancy in refunded.check_books()}
        assert rule in {discrepancy.rule for discrepancy in refunded.check_books.everything()}

    @pytest.mark.parametrize(
        ("constraint", "statement"),
        [
            ("returned_amounts_refunded_check", "UPDATE returned_amounts SET refunded_minor = 8001"),
            ("returned_amounts_refunded_check", "UPDATE returned_amounts SET refunded_minor = -1"),
            ("payables_amount_check", "UPDATE payables SET amount_minor = 1 WHERE type = 'refund'"),
            ("payables_amount_check", "UPDATE payables SET amount_minor = -1 WHERE type = 'credit'"),
            ("payables_fee_check", "UPDATE payables SET fee_minor = 1 WHERE type = 'refund'"),
            ("payables_source_check", "UPDATE payables SET source_id = NULL WHERE type = 'refund'"),
            ("payables_transaction_installment_key", "INSERT INTO payables SELECT gen_random_uuid(), transaction_id,"
             " customer_id, type, status, payment_method, installment, installments, currency, amount_minor, fee_bps,"
             " fee_minor, receivable_minor, payment_at, due_on, paid_at, settlement_id, created_at, updated_at,"
             " plan_id, original_due_on, entry_id, source_id FROM payables"),
            ("settlements_waterfall_check", "UPDATE settlements SET to_available_minor = to_available_minor - 1"),
            (
                "settlements_one_way_check",
                "UPDATE settlements SET carried_minor = 1, to_available_minor = to_available_minor + 1",
            ),
            ("refunds_fee_check", "UPDATE refunds SET fee_returned_minor = amount_minor + 1"),
        ],
    )  # fmt: skip
    def test_are_guarded_by_the_database(
        self, refunded: Core, settings: Settings, constraint: str, statement: str
    ) -> None:
        with pytest.raises(Exception, match=constraint):
            execute(settings, statement)
