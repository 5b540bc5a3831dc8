from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import create_engine

from psp_core.bootstrap import Core, build_core
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.pricing.fee_plans import ChangedTerms
from psp_core.settings import Settings
from tests.builders import NOON, SettableClock, a_new_transaction, a_submission
from tests.reach import create_queues

DUE_ON = date(2026, 4, 9)


@pytest.fixture
def tampered(settings: Settings, clock: SettableClock) -> Iterator[Core]:
    """A core with a settled, a gathered and a waiting transaction, whose tables the test falsifies."""
    core = replace(build_core(settings), clock=clock)
    create_queues(core)
    debit = a_new_transaction(amount_minor=700, payment_method=PaymentMethod.DEBIT_CARD)
    core.accept_transactions([a_submission(a_new_transaction(amount_minor=2_500), debit)])
    core.relay_outbox()
    core.drain_queue()
    clock.advance(days=30)
    core.settle_payables(due_on=DUE_ON)
    core.settle_payables(due_on=NOON.date())
    core.accept_transactions([a_submission(a_new_transaction(amount_minor=1_000, installments=2))])
    core.relay_outbox()
    core.drain_queue()
    assert core.check_books() == []
    yield core
    core.store.close()


def falsify(settings: Settings, *statements: str) -> None:
    engine = create_engine(settings.database_url.get_secret_value())
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for statement in statements:
            assert connection.exec_driver_sql(statement).rowcount != 0
    engine.dispose()


class TestBooks:
    @pytest.mark.parametrize(
        ("rule", "statement"),
        [
            (
                "payables_sum_to_their_transaction",
                "UPDATE transactions SET amount_minor = amount_minor + 1 WHERE amount_minor = 2500",
            ),
            ("payable_has_a_transaction", "DELETE FROM transactions WHERE amount_minor = 2500"),
            ("payable_has_a_transaction", "UPDATE payables SET customer_id = 'thief' WHERE status = 'waiting_funds'"),
            (
                "paid_transaction_has_only_paid_payables",
                "UPDATE transactions SET status = 'paid' WHERE amount_minor = 1000",
            ),
            (
                "fully_paid_transaction_is_paid",
                "UPDATE transactions SET status = 'pending_payment' WHERE amount_minor = 2500",
            ),
            (
                "settlement_totals_are_its_lines",
                "UPDATE settlements SET gross_minor = gross_minor + 1, net_minor = net_minor + 1,"
                " to_available_minor = to_available_minor + 1",
            ),
            ("settlement_totals_are_its_lines", "UPDATE settlements SET payable_count = 2"),
            # The sum of both kinds is right, and each of them wrong.
            (
                "settlement_totals_are_its_lines",
                "UPDATE settlements SET payable_count = available_count, available_count = payable_count"
                " WHERE available_count = 1",
            ),
            ("settlement_totals_are_its_lines", "UPDATE payables SET settlement_id = NULL WHERE amount_minor = 700"),
            (
                "debit_of_a_gathered_date_is_in_a_settlement",
                "UPDATE payables SET settlement_id = NULL WHERE amount_minor = 700",
            ),
            ("line_belongs_to_its_settlement", "UPDATE settlements SET due_on = due_on + 1"),
            ("line_belongs_to_its_settlement", "DELETE FROM settlements"),
            ("nothing_paid_early", "UPDATE payables SET due_on = due_on + 1 WHERE status = 'paid'"),
            (
                "credit_is_paid_by_a_settlement",
                "UPDATE payables SET status = 'paid', paid_at = now() WHERE installment = 2",
            ),
            (
                # Not taken for debit, and so not gathered either.
                "credit_is_paid_by_a_settlement",
                "UPDATE payables SET settlement_id = NULL WHERE amount_minor = 2500",
            ),
        ],
    )
    def test_show(self, tampered: Core, settings: Settings, rule: str, statement: str) -> None:
        falsify(settings, statement)

        assert rule in {discrepancy.rule for discrepancy in tampered.check_books()}
        assert rule in {discrepancy.rule for discrepancy in tampered.check_books.everything()}

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE payables SET receivable_minor = receivable_minor + 1",
            "UPDATE payables SET fee_minor = amount_minor + 1, receivable_minor = -1",
            "UPDATE payables SET status = 'waiting_funds' WHERE status = 'paid'",
            "UPDATE payables SET paid_at = now() WHERE status = 'waiting_funds'",
            "INSERT INTO payables SELECT * FROM payables",
            "UPDATE transactions SET amount_minor = 0",
        ],
    )
    def test_are_guarded_by_the_database_itself(self, tampered: Core, settings: Settings, statement: str) -> None:
        with pytest.raises(Exception, match=r"_check|_pkey"):
            falsify(settings, statement)

    @pytest.mark.parametrize(
        "statement", ["UPDATE settlements SET net_minor = 0", "DELETE FROM settlements", "DELETE FROM fee_plans"]
    )
    def test_do_not_let_what_is_closed_be_changed(self, tampered: Core, settings: Settings, statement: str) -> None:
        tampered.change_fee_plan(
            "m", terms=ChangedTerms(credit_fee_bps=1, debit_fee_bps=1, credit_delay_days=1), may_be_new=True
        )
        engine = create_engine(settings.database_url.get_secret_value())

        with pytest.raises(Exception, match="is immutable"), engine.begin() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()
