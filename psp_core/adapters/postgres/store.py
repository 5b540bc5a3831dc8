"""The store: a pool of connections, and units of work that commit or roll back as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

import psycopg2.extras
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError

from psp_core.adapters.postgres import acceptance
from psp_core.adapters.postgres.api_keys import PostgresApiKeys
from psp_core.adapters.postgres.books import PostgresBooks
from psp_core.adapters.postgres.fee_plans import PostgresFeePlans
from psp_core.adapters.postgres.idempotency import PostgresIdempotencyKeys
from psp_core.adapters.postgres.operator_actions import PostgresOperatorActions
from psp_core.adapters.postgres.outbox import PostgresOutbox
from psp_core.adapters.postgres.payables import PostgresPayables
from psp_core.adapters.postgres.schema_version import is_current
from psp_core.adapters.postgres.settlement_lines import PostgresSettlementLines
from psp_core.adapters.postgres.settlements import PostgresSettlements
from psp_core.adapters.postgres.transactions import PostgresTransactions
from psp_core.domain.errors import StorageUnavailable
from psp_core.domain.idempotency import Intake

psycopg2.extras.register_uuid()

# The first of pg_try_advisory_lock's two numbers: which kind of thing the second one names.
_DUE_DATE_LOCK = 7001

# One round trip. `true` makes each of them end with the commit or rollback, so that the connection's next
# user is the owner again; and Postgres lets no later statement of this transaction write after all.
_READ_AS = """
SELECT set_config('transaction_read_only', 'on', true),
       set_config('role', 'psp_merchant', true),
       set_config('psp.customer_id', %s, true)
"""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How many connections, and how long anything may take; times in seconds."""

    size: int = 8
    connect_timeout_s: int = 2
    checkout_timeout_s: int = 2
    statement_timeout_s: int = 30
    lock_timeout_s: int = 10


def open_store(url: str, *, limits: PoolLimits, application_name: str = "psp", prepares: bool = True) -> PostgresStore:
    """Return the store in the database at `url`; its every wait is bounded. Nothing is connected yet."""
    return PostgresStore(
        _engine(url, limits, application_name),
        # Not by switching a connection that is in use: psycopg2 would ask the server each time.
        autocommit=_engine(url, limits, application_name, isolation_level="AUTOCOMMIT"),
        prepares=prepares,
    )


def _engine(url: str, limits: PoolLimits, application_name: str, **isolation: Any) -> Engine:
    options = " ".join(
        f"-c {name}={value}"
        for name, value in {
            "timezone": "UTC",
            "statement_timeout": f"{limits.statement_timeout_s}s",
            "lock_timeout": f"{limits.lock_timeout_s}s",
            "idle_in_transaction_session_timeout": f"{2 * limits.statement_timeout_s}s",
        }.items()
    )
    return create_engine(
        url,
        **isolation,
        # An error's text goes to the log, and they are what merchants sent.
        hide_parameters=True,
        pool_size=limits.size,
        max_overflow=0,
        pool_timeout=limits.checkout_timeout_s,
        pool_use_lifo=True,
        connect_args={
            "options": options,
            "connect_timeout": limits.connect_timeout_s,
            "application_name": application_name,
            "keepalives_idle": 30,
            "tcp_user_timeout": limits.statement_timeout_s * 1000,
        },
    )


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn what an unreachable or overloaded database raises into StorageUnavailable."""
    try:
        yield
    except (OperationalError, InterfaceError, TimeoutError) as error:
        raise StorageUnavailable("the database did not answer in time") from error


@dataclass(frozen=True)
class PostgresUnitOfWork:
    connection: Connection

    @cached_property
    def transactions(self) -> PostgresTransactions:
        return PostgresTransactions(self.connection)

    @cached_property
    def payables(self) -> PostgresPayables:
        return PostgresPayables(self.connection)

    @cached_property
    def outbox(self) -> PostgresOutbox:
        return PostgresOutbox(self.connection)

    @cached_property
    def idempotency_keys(self) -> PostgresIdempotencyKeys:
        return PostgresIdempotencyKeys(self.connection)

    @cached_property
    def fee_plans(self) -> PostgresFeePlans:
        return PostgresFeePlans(self.connection)

    @cached_property
    def settlements(self) -> PostgresSettlements:
        return PostgresSettlements(self.connection)

    @cached_property
    def api_keys(self) -> PostgresApiKeys:
        return PostgresApiKeys(self.connection)

    @cached_property
    def settlement_lines(self) -> PostgresSettlementLines:
        return PostgresSettlementLines(self.connection)

    @cached_property
    def operator_actions(self) -> PostgresOperatorActions:
        return PostgresOperatorActions(self.connection)

    @cached_property
    def books(self) -> PostgresBooks:
        return PostgresBooks(self.connection)


@dataclass(frozen=True, slots=True)
class PostgresStore:
    engine: Engine
    autocommit: Engine
    """The same database, for what is a single statement or a lock that outlives a commit."""

    read_only: Engine | None = field(default=None)
    """A replica for the merchants' reads, when there is one."""

    prepares: bool = True
    """Whether statements may be prepared: no pooler hands out another connection for each."""

    @contextmanager
    def begin(self) -> Iterator[PostgresUnitOfWork]:
        with storage_errors(), self.engine.begin() as connection:
            yield PostgresUnitOfWork(connection)

    def accept(self, intakes: Sequence[Intake], *, now: datetime, traceparent: str | None) -> list[bool]:
        with storage_errors(), self.autocommit.connect() as connection:
            return acceptance.accept(connection, intakes, now=now, traceparent=traceparent, prepares=self.prepares)

    @contextmanager
    def read_as(self, customer_id: str) -> Iterator[PostgresUnitOfWork]:
        with storage_errors(), (self.read_only or self.engine).begin() as connection:
            connection.exec_driver_sql(_READ_AS, (customer_id,))
            yield PostgresUnitOfWork(connection)

    @contextmanager
    def hold_due_date(self, due_on: date) -> Iterator[bool]:
        with storage_errors(), self.autocommit.connect() as connection:
            number = due_on.toordinal()
            held = connection.exec_driver_sql(
                "SELECT pg_try_advisory_lock(%s, %s)", (_DUE_DATE_LOCK, number)
            ).scalar_one()
            try:
                yield bool(held)
            finally:
                if held:
                    connection.exec_driver_sql("SELECT pg_advisory_unlock(%s, %s)", (_DUE_DATE_LOCK, number))

    def schema_is_current(self) -> bool:
        with storage_errors(), self.engine.connect() as connection:
            return is_current(connection)

    def close(self) -> None:
        """Hang up. Whoever goes on using the store connects anew."""
        for engine in (self.engine, self.autocommit, self.read_only):
            if engine is not None:
                engine.dispose()
