"""The ledger's books: each rule is broken once by an outside hand, and found; sealed days are proved by their hash."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine

from psp_core.adapters.postgres.operations.books import PostgresBooks
from psp_core.bootstrap import Core, build_core
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.settings import Settings
from tests.builders import SettableClock, a_new_transaction
from tests.killed import settle_one_and_die
from tests.reach import create_queues
from tests.usecases.ledger.books_of import accept_and_drain, execute, rows_of

DUE_ON = date(2026, 4, 9)


@pytest.fixture
def tampered(settings: Settings, clock: SettableClock) -> Iterator[Core]:
    """A core with a settled, a waiting and a debit payable, whose ledger the test falsifies."""
    core = replace(build_core(settings), clock=clock)
    create_queues(core)
    accept_and_drain(core, a_new_transaction(amount_minor=2_500))
    clock.advance(days=30)
    core.settle_payables(due_on=DUE_ON)
    accept_and_drain(
        core,
        a_new_transaction(amount_minor=1_000, installments=2),
        a_new_transaction(amount_minor=700, customer_id="merchant-3", payment_method=PaymentMethod.DEBIT_CARD),
        a_new_transaction(amount_minor=300, customer_id="merchant-2"),
    )
    clock.advance(minutes=60)
    assert core.check_books() == []
    assert core.check_books.everything() == []
    yield core
    core.store.close()


def rules_of(core: Core) -> set[str]:
    return {discrepancy.rule for discrepancy in core.check_books()}


def all_rules_of(core: Core) -> set[str]:
    return {discrepancy.rule for discrepancy in core.check_books.everything()}


_OF_ALL = [
    ("ledger_entry_balances", "UPDATE ledger_postings SET amount_minor = 1 WHERE account = 'fee_revenue'"),
    ("ledger_entry_balances", "DELETE FROM ledger_postings"),
    (
        "ledger_capture_is_its_payables",
        "UPDATE payables SET fee_minor = fee_minor - 1, receivable_minor = receivable_minor + 1 WHERE fee_minor > 20",
    ),
    ("ledger_capture_is_its_payables", "DELETE FROM payables WHERE installment = 2"),
    (
        "ledger_capture_is_its_payables",
        "UPDATE ledger_postings SET customer_id = 'thief' WHERE customer_id = 'merchant-2'",
    ),
    (
        "ledger_capture_is_its_payables",
        "UPDATE ledger_postings SET account = 'merchant_pending' WHERE account = 'merchant_available' AND entry_id IN"
        " (SELECT id FROM ledger_entries WHERE kind = 'capture')",
    ),
    ("ledger_payable_has_an_entry", "UPDATE payables SET entry_id = NULL WHERE installment = 2"),
    ("ledger_payable_has_an_entry", "UPDATE payables SET entry_id = gen_random_uuid() WHERE installment = 2"),
    (
        "ledger_close_is_its_settlements",
        "UPDATE settlements SET to_available_minor = to_available_minor - 1, recovered_minor = recovered_minor + 1",
    ),
    ("ledger_close_is_its_settlements", "UPDATE settlements SET entry_id = NULL"),
    (
        "ledger_close_is_its_settlements",
        "UPDATE ledger_postings SET amount_minor = amount_minor + 1 WHERE account = 'merchant_available'"
        " AND entry_id IN (SELECT id FROM ledger_entries WHERE kind = 'close')",
    ),
]
_OF_NOW = [
    ("ledger_balance_is_its_postings", "UPDATE ledger_balances SET available_minor = available_minor + 1"),
    ("ledger_balance_is_its_postings", "DELETE FROM ledger_balances"),
    ("ledger_balance_is_its_postings", "UPDATE ledger_balances SET currency = 'USD'"),
    ("ledger_settling_is_the_open_settlements", "UPDATE settlements SET status = 'open', closed_at = NULL"),
    (
        "ledger_settling_is_the_open_settlements",
        "UPDATE ledger_balances SET settling_minor = 1 WHERE customer_id = 'merchant-1'",
    ),
]
_OF_BALANCES = [
    ("ledger_balances", "UPDATE ledger_postings SET amount_minor = amount_minor + 1 WHERE side = 'debit'"),
    ("ledger_posting_has_an_entry", "DELETE FROM ledger_entries WHERE kind = 'close'"),
    ("ledger_balance_is_all_its_postings", "UPDATE ledger_balances SET reserve_minor = 1"),
    ("ledger_balance_is_all_its_postings", "DELETE FROM ledger_balances WHERE customer_id = 'merchant-2'"),
    (
        "ledger_pending_is_what_waits",
        "UPDATE payables SET status = 'paid', paid_at = now() WHERE installment = 2",
    ),
]
# What the database itself would refuse: rule, the constraint that is taken away, statement.
_GUARDED = [
    (
        "ledger_balance_is_not_negative",
        "ledger_balances_negative_check",
        "UPDATE ledger_balances SET available_minor = -1",
    ),
    (
        "ledger_debt_leaves_nothing_available",
        "ledger_balances_debt_check",
        "UPDATE ledger_balances SET debt_minor = 1, available_minor = 1",
    ),
]


@contextmanager
def without(settings: Settings, constraint: str) -> Iterator[None]:
    conditions = {
        "ledger_balances_negative_check": "available_minor >= 0 AND reserve_minor >= 0 AND in_transit_minor >= 0"
        " AND debt_minor >= 0",
        "ledger_balances_debt_check": "debt_minor = 0 OR available_minor = 0",
    }
    execute(settings, f"ALTER TABLE ledger_balances DROP CONSTRAINT {constraint}")
    try:
        yield
    finally:
        check = f"ADD CONSTRAINT {constraint} CHECK ({conditions[constraint]})"
        execute(settings, "DELETE FROM ledger_balances", f"ALTER TABLE ledger_balances {check}")


class TestTheLedgersBooks:
    @pytest.mark.parametrize(("rule", "statement"), _OF_ALL)
    def test_show_what_is_wrong_since_the_seal_and_in_any_month(
        self, tampered: Core, settings: Settings, rule: str, statement: str
    ) -> None:
        execute(settings, statement)

        assert rule in rules_of(tampered)
        assert rule in all_rules_of(tampered)

    @pytest.mark.parametrize(("rule", "statement"), _OF_NOW)
    def test_show_what_is_wrong_now(self, tampered: Core, settings: Settings, rule: str, statement: str) -> None:
        execute(settings, statement)

        assert rule in rules_of(tampered)

    @pytest.mark.parametrize(("rule", "statement"), _OF_BALANCES)
    def test_show_what_is_wrong_with_the_whole(
        self, tampered: Core, settings: Settings, rule: str, statement: str
    ) -> None:
        execute(settings, statement)

        assert rule in all_rules_of(tampered)

    @pytest.mark.parametrize(("rule", "constraint", "statement"), _GUARDED)
    def test_show_what_the_database_would_refuse(
        self, tampered: Core, settings: Settings, rule: str, constraint: str, statement: str
    ) -> None:
        with without(settings, constraint):
            execute(settings, statement)

            assert rule in rules_of(tampered)


class TestAfterASeal:
    @pytest.fixture
    def sealed(self, tampered: Core, clock: SettableClock) -> Core:
        """Two days later: what the fixture made is sealed, and something new is not."""
        clock.advance(days=2)
        tampered.seal_days(clock.now().date().replace(day=10))
        accept_and_drain(tampered, a_new_transaction(amount_minor=5_000))
        clock.advance(minutes=60)
        assert tampered.check_books() == []
        return tampered

    @pytest.mark.parametrize(
        ("rule", "statement"),
        [
            (
                "payables_sum_to_their_transaction",
                "UPDATE transactions SET amount_minor = 5001 WHERE amount_minor = 5000",
            ),
            ("ledger_payable_has_an_entry", "UPDATE payables SET entry_id = NULL WHERE amount_minor = 5000"),
            ("ledger_balance_is_its_postings", "UPDATE ledger_balances SET pending_minor = pending_minor + 1"),
            ("ledger_balance_is_its_postings", "UPDATE ledger_sealed_balances SET available_minor = 0"),
        ],
    )
    def test_what_is_new_is_looked_at(self, sealed: Core, settings: Settings, rule: str, statement: str) -> None:
        execute(settings, statement)

        assert rule in rules_of(sealed)

    def test_what_is_sealed_is_left_to_the_hash_and_the_full_check(self, sealed: Core, settings: Settings) -> None:
        execute(
            settings, "UPDATE ledger_postings SET amount_minor = 1 WHERE account = 'fee_revenue' AND amount_minor = 125"
        )

        assert sealed.check_books() == []
        assert "ledger_entry_balances" in all_rules_of(sealed)
        assert [found.subject for found in sealed.verify_ledger().discrepancies] == ["2026-03-10"]

    def test_what_was_captured_before_and_is_settled_now_is_looked_at(
        self, sealed: Core, settings: Settings, clock: SettableClock
    ) -> None:
        clock.advance(days=28)
        due_on = sealed.find_unsettled_dates()[0]
        sealed.seal_days(date(2026, 5, 8))
        sealed.settle_payables(due_on=due_on)
        assert sealed.check_books() == []

        execute(settings, "UPDATE settlements SET payable_count = payable_count + 1 WHERE sequence = 1")

        assert "settlement_totals_are_its_lines" in rules_of(sealed)

    def test_debit_alone_that_is_closed_after_the_seal_is_looked_at(
        self, core: Core, settings: Settings, clock: SettableClock
    ) -> None:
        accept_and_drain(core, a_new_transaction(payment_method=PaymentMethod.DEBIT_CARD))
        debit_day = clock.now().date()
        clock.advance(days=1)
        settle_one_and_die(core.settle_payables, debit_day)
        clock.advance(days=2)
        core.seal_days(clock.now().date() - timedelta(days=1))
        assert core.settle_payables(due_on=debit_day).count == 0
        assert rows_of(core, "SELECT status, entry_id FROM settlements") == [("closed", None)]

        execute(settings, "UPDATE settlements SET available_count = available_count + 1")
        found = rules_of(core)
        execute(settings, "UPDATE settlements SET available_count = available_count - 1")

        assert found == {"settlement_totals_are_its_lines"}


class TestTheCost:
    def test_follows_what_changed_and_not_what_is_stored(self, core: Core, clock: SettableClock) -> None:
        costs = []
        for count in (300, 3_000):
            self._add_history(core, clock, count)
            costs.append(self._blocks_after_a_change(core, clock))

        assert costs[1] < 1.2 * costs[0], costs

    def _add_history(self, core: Core, clock: SettableClock, count: int) -> None:
        for _ in range(count // 300):
            accept_and_drain(core, *(a_new_transaction(customer_id=f"merchant-{n % 10}") for n in range(300)))
        clock.advance(days=31)
        for due_on in core.find_unsettled_dates():
            core.settle_payables(due_on=due_on)
        clock.advance(days=2)
        core.seal_days(clock.now().date() - timedelta(days=1))

    def _blocks_after_a_change(self, core: Core, clock: SettableClock) -> int:
        """Capture and gather little, and return how many blocks of tables and indexes the check of the books reads."""
        for method in PaymentMethod:
            accept_and_drain(
                core, *(a_new_transaction(customer_id=f"merchant-{n}", payment_method=method) for n in "12")
            )
        clock.advance(days=1)
        core.settle_payables(due_on=clock.now().date() - timedelta(days=1))
        engine = create_engine(core.settings.database_url.get_secret_value())
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # Else the planner itself looks past what is dead.
            connection.exec_driver_sql("VACUUM ANALYZE")
        engine.dispose()
        # A session of its own counts from zero.
        with engine.connect() as connection:
            books = PostgresBooks(connection)
            assert books.discrepancies(zone=ZoneInfo("UTC"), limit=1, now=clock.now()) == []
            read = "SELECT sum(pg_stat_get_xact_blocks_fetched(oid))::int FROM pg_class WHERE relkind IN ('r', 'i')"
            blocks = connection.exec_driver_sql(f"{read} AND relnamespace = 'public'::regnamespace").scalar_one()
        engine.dispose()
        return int(blocks)
