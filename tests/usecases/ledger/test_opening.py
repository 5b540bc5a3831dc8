"""What existed before the ledger is booked, once, while old and new programs go on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import create_engine

from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.adapters.postgres.schema.migrations.versions import m0014_ledger
from psp_core.bootstrap import Core, build_core
from psp_core.settings import Settings
from psp_local.postgres import EmbeddedPostgres
from tests.builders import NOON, SettableClock, a_new_transaction
from tests.reach import create_queues, postgres
from tests.usecases.ledger.books_of import accept_and_drain, balances, entries, execute, rows_of

DUE_ON = date(2026, 4, 9)
_COLUMNS = "id, transaction_id, customer_id, type, status, payment_method, installment, installments, currency,"
_COLUMNS += (
    " amount_minor, fee_bps, fee_minor, receivable_minor, payment_at, due_on, paid_at, settlement_id, created_at,"
)
_COLUMNS += " updated_at"

# As the program of before left it: for each of five merchants a credit that was settled, one that is due on DUE_ON, and
# a debit; and a settlement that was still open.
BEFORE = (
    "INSERT INTO transactions SELECT uuid7_at('2026-03-10 12:00Z'::timestamptz + n * interval '1 ms'),"
    " 'merchant-' || n % 5, CASE WHEN n < 10 AND n >= 5 THEN 'pending_payment' ELSE 'paid' END, 1000, 'BRL',"
    " CASE WHEN n >= 10 THEN 'debit_card' ELSE 'credit_card' END, 1, '', NULL, 'Luke', '2030-01-01', '1111', 'visa',"
    " '2026-03-10 12:00Z', '2026-03-10 12:00Z' FROM generate_series(0, 14) AS n",
    "INSERT INTO settlements (id, customer_id, currency, due_on, sequence, status, payable_count, gross_minor,"
    " fee_minor, net_minor, created_at, closed_at) SELECT uuid7_at('2026-03-01 12:00Z'), 'merchant-' || n, 'BRL',"
    " '2026-03-01', 1, CASE WHEN n = 4 THEN 'open' ELSE 'closed' END, 1, 1000, 50, 950, '2026-03-01 12:00Z',"
    " CASE WHEN n < 4 THEN '2026-03-01 12:00Z'::timestamptz END FROM generate_series(0, 4) AS n",
    f"INSERT INTO payables ({_COLUMNS}) SELECT uuid7_at(t.created_at), t.id, t.customer_id, 'credit',"
    " CASE WHEN t.status = 'paid' THEN 'paid' ELSE 'waiting_funds' END, payment_method, 1, 1, t.currency, 1000, 500,"
    " 50, 950, t.created_at, CASE WHEN payment_method = 'debit_card' THEN '2026-03-10'::date"
    " ELSE coalesce(s.due_on, '2026-04-09') END,"
    " CASE WHEN t.status = 'paid' THEN t.created_at END, s.id, t.created_at, t.created_at FROM transactions AS t"
    " LEFT JOIN settlements AS s ON s.customer_id = t.customer_id AND t.status = 'paid'"
    " AND payment_method = 'credit_card'",
)

# How the programs of before write, column by column.
OLD_DRAIN = (
    f"INSERT INTO payables ({_COLUMNS}) SELECT uuid7_at(created_at + interval '1 ms'), id, customer_id, 'credit',"
    " 'waiting_funds', payment_method, 1, 1, currency, amount_minor, 500, 50, 950, created_at + interval '30 days',"
    " '2026-04-09', NULL, NULL, created_at, created_at FROM transactions"
    " WHERE NOT EXISTS (SELECT FROM payables WHERE transaction_id = transactions.id)"
)
OLD_SETTLEMENT = (
    "INSERT INTO settlements AS settlement (id, customer_id, currency, due_on, sequence, status, payable_count,"
    " gross_minor, fee_minor, net_minor, created_at) VALUES (gen_random_uuid(), 'merchant-1', 'BRL', '2026-04-09', 1,"
    " 'open', 1, 1000, 50, 950, now()) ON CONFLICT (due_on, customer_id, currency) WHERE status = 'open'"
    " DO UPDATE SET payable_count = settlement.payable_count + excluded.payable_count"
)


@pytest.fixture
def before(postgres: EmbeddedPostgres, settings: Settings, clock: SettableClock) -> Iterator[Core]:
    """A core on a database that was filled before the ledger's migration, some minutes ago."""
    name = f"before_{uuid4().hex[:8]}"
    postgres.create_database(name)
    migrate(postgres.url(name), revision=m0014_ledger.down_revision)
    engine = create_engine(postgres.url(name))
    with engine.begin() as connection:
        for statement in BEFORE:
            connection.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()
    migrate(postgres.url(name))
    clock.advance(minutes=10)
    at = settings.model_copy(
        update={"database_url": settings.model_validate({"database_url": postgres.url(name)}).database_url}
    )
    core = replace(build_core(at), clock=clock)
    create_queues(core)
    yield core
    core.store.close()


class TestTheMigration:
    def test_closes_what_a_settlement_of_before_left_open(self, before: Core) -> None:
        assert rows_of(before, "SELECT count(*), min(status), max(status) FROM settlements") == [
            (5, "closed", "closed")
        ]

    def test_ends_a_settlement_of_before_with_nothing_paid(self, before: Core) -> None:
        with pytest.raises(Exception, match="opened_entry_id"):
            execute(before.settings, OLD_SETTLEMENT)

    def test_lets_a_drain_of_before_go_on(self, before: Core) -> None:
        execute(before.settings, "DELETE FROM payables WHERE status = 'waiting_funds'", OLD_DRAIN)

        assert before.book_what_exists().entries == 1


class TestBookWhatExists:
    def test_books_what_was_paid_as_available_and_the_rest_as_pending(self, before: Core) -> None:
        report = replace(before.book_what_exists, range_payables=4)()

        assert (report.ranges, report.is_ended) == (4, True)
        assert {balances(before, f"merchant-{number}") for number in range(5)} == {(950, 0, 2 * 950)}
        assert {entry[:2] for entry in entries(before)} == {("opening", "2026-03-10")}

    def test_books_nothing_twice(self, before: Core) -> None:
        walk = replace(before.book_what_exists, range_payables=2)

        with ThreadPoolExecutor(3) as pool:
            reports = [each.result() for each in [pool.submit(walk) for _ in range(6)]]

        assert sum(report.ranges for report in reports) == 8
        assert {balances(before, f"merchant-{number}") for number in range(5)} == {(950, 0, 2 * 950)}

    def test_goes_on_after_it_was_killed(self, before: Core) -> None:
        class Killed(Exception):
            pass

        def die(ranges: int) -> None:
            if ranges == 3:
                raise Killed

        walk = replace(before.book_what_exists, range_payables=2)
        with pytest.raises(Killed):
            walk(on_progress=die)

        assert walk().ranges == 5
        assert {balances(before, f"merchant-{number}") for number in range(5)} == {(950, 0, 2 * 950)}

    @pytest.mark.parametrize("settled_first", [True, False])
    def test_agrees_with_a_settlement_of_now_whichever_comes_first(
        self, before: Core, clock: SettableClock, settled_first: bool
    ) -> None:
        clock.advance(days=31)
        steps = [lambda: before.settle_payables(due_on=DUE_ON), before.book_what_exists]

        for step in steps if settled_first else reversed(steps):
            step()  # type: ignore[operator]

        assert {balances(before, f"merchant-{number}") for number in range(5)} == {(0, 0, 3 * 950)}

    def test_leaves_books_that_balance_before_it_has_begun_and_after(self, before: Core, clock: SettableClock) -> None:
        clock.advance(days=31)
        before.settle_payables(due_on=DUE_ON)
        before.settle_payables(due_on=NOON.date())
        assert before.check_books() == []

        before.book_what_exists()

        assert before.check_books.everything() == []

    def test_agrees_with_drains_of_now(self, before: Core) -> None:
        accept_and_drain(before, a_new_transaction(amount_minor=1_000))

        before.book_what_exists()

        assert balances(before) == (2 * 950, 0, 2 * 950)

    def test_waits_for_what_is_younger_than_a_commit_can_be(self, before: Core, clock: SettableClock) -> None:
        clock.instant = NOON + timedelta(minutes=4)
        assert not before.book_what_exists().is_ended
        assert entries(before) == []
        clock.advance(minutes=6)

        assert before.book_what_exists().is_ended
        assert len(entries(before)) == 1

    def test_finds_what_a_drain_of_before_makes_after_it_has_ended(self, before: Core, clock: SettableClock) -> None:
        before.book_what_exists()
        clock.advance(minutes=10)
        execute(
            before.settings,
            "INSERT INTO transactions SELECT uuid7_at('2026-03-10 12:11Z'), 'merchant-1', 'pending_payment', 1000,"
            " 'BRL', 'credit_card', 1, '', NULL, 'Luke', '2030-01-01', '1111', 'visa', '2026-03-10 12:11Z', now()",
            OLD_DRAIN,
        )

        before.book_what_exists()

        assert balances(before) == (2 * 950, 0, 2 * 950)

    def test_of_an_empty_database_has_ended_at_once(self, core: Core) -> None:
        report = core.book_what_exists()

        assert (report.entries, report.is_ended) == (0, True)
        with postgres(core.store).begin() as work:
            assert work.ledger.opening().is_ended
