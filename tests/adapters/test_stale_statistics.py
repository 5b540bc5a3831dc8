"""Settling beside statistics of a time when nothing waited: it reads what it pays, whatever the planner knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from sqlalchemy import Connection, create_engine

from psp_core.adapters.postgres.settlement.settlements import PostgresSettlements
from psp_core.bootstrap import Core
from tests.builders import SettableClock, a_new_transaction, a_submission

DUE_ON = date(2026, 4, 9)
TABLES = ("payables", "settlements", "transactions")
CHUNK = 50


def accept_and_drain(core: Core, count: int) -> None:
    core.accept_transactions(
        [a_submission(a_new_transaction(customer_id=f"merchant-{number}")) for number in range(count)]
    )
    core.keep_relaying().run_until_empty()
    core.drain_queue()


@contextmanager
def connected(core: Core) -> Iterator[Connection]:
    engine = create_engine(core.settings.database_url.get_secret_value(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def stale(core: Core, clock: SettableClock) -> Iterator[Core]:
    """Everything was paid when the statistics were made, and much waits since."""
    accept_and_drain(core, 20)
    clock.advance(days=30)
    core.settle_payables(due_on=DUE_ON)
    with connected(core) as connection:
        for table in TABLES:
            connection.exec_driver_sql(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
            connection.exec_driver_sql(f"ANALYZE {table}")
    accept_and_drain(core, 1_000)
    clock.advance(days=30)
    yield core
    with connected(core) as connection:
        for table in TABLES:
            connection.exec_driver_sql(f"ALTER TABLE {table} RESET (autovacuum_enabled)")


class TestSettlingBesideStaleStatistics:
    def test_reads_of_what_is_due_what_it_pays(self, stale: Core, clock: SettableClock) -> None:
        now = clock.now()
        with connected(stale) as connection:
            # In a session of its own, which counts from zero, and is rolled back.
            connection.exec_driver_sql("BEGIN")
            chunk = PostgresSettlements(connection).settle_chunk(
                DUE_ON + timedelta(days=30), merchants=None, after=None, limit=CHUNK, control_before=now, now=now
            )
            read = connection.exec_driver_sql(
                "SELECT pg_stat_get_xact_tuples_returned('payables_due_idx'::regclass)"
                " + pg_stat_get_xact_tuples_returned('payables'::regclass)"
            ).scalar_one()
            connection.exec_driver_sql("ROLLBACK")

        assert sum(item.totals.count for item in chunk.paid) == CHUNK
        assert read <= 2 * CHUNK

    def test_pays_everything_within_its_time_out(self, stale: Core) -> None:
        assert stale.settle_payables(due_on=DUE_ON + timedelta(days=30)).count == 1_000
