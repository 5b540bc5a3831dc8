"""Postgres's own log holds nothing of what merchants send, whatever goes wrong with a statement."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from psp_core.adapters.postgres.store import PoolLimits, PostgresStore, open_store
from psp_core.domain.intake.idempotency import IdempotencyKey, Intake, KeyClaim
from psp_core.domain.kernel.errors import StorageUnavailable
from psp_core.domain.kernel.money import Currency, Money
from psp_local.postgres import EmbeddedPostgres
from tests.builders import NOON, a_new_transaction

SECRET = "nobody-may-read-this"


def an_intake(amount_minor: int) -> Intake:
    new = a_new_transaction(description=SECRET)._replace(amount=Money(amount_minor, Currency.BRL))
    row = new.accepted(id=uuid4(), at=NOON)
    return Intake([row], KeyClaim(IdempotencyKey("merchant-1", SECRET, b"\x02"), SECRET.encode()))


def accept(store: PostgresStore, amount_minor: int) -> None:
    store.accept([an_intake(amount_minor)], now=datetime.now(UTC), traceparent=None)


class TestTheDatabasesLog:
    @pytest.mark.parametrize("prepares", [True, False])
    def test_has_no_value_of_a_statement_that_failed_was_cancelled_or_is_slow(
        self, database_url: str, postgres: EmbeddedPostgres, prepares: bool
    ) -> None:
        store = open_store(database_url, limits=PoolLimits(statement_timeout_s=1), prepares=prepares)
        before = len(postgres.log_file.read_bytes())

        with pytest.raises(Exception, match="transactions_amount_check") as failed:
            accept(store, -1)
        with pytest.raises(StorageUnavailable), store.begin() as work:
            work.connection.exec_driver_sql("SELECT pg_sleep(50), %s", (SECRET,))
        with store.begin() as holder:
            holder.connection.exec_driver_sql("LOCK TABLE transactions")
            with pytest.raises(StorageUnavailable):
                accept(store, 1)

        logged = postgres.log_file.read_bytes()[before:]
        assert b"transactions_amount_check" in logged
        assert logged.count(b"canceling statement due to") == 2
        assert SECRET.encode() not in logged
        assert "[parameters" not in str(failed.value)
        store.close()
