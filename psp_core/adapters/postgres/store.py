"""The store: a pool of connections, and units of work that commit or roll back as a whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

import psycopg2.extras
from sqlalchemy import Connection, Engine, create_engine

from psp_core.adapters.postgres.access import PostgresApiKeys
from psp_core.adapters.postgres.errors import storage_errors
from psp_core.adapters.postgres.events import PostgresOutbox
from psp_core.adapters.postgres.intake import acceptance
from psp_core.adapters.postgres.intake.idempotency import PostgresIdempotencyKeys
from psp_core.adapters.postgres.intake.transactions import PostgresTransactions
from psp_core.adapters.postgres.ledger.ledger import PostgresLedger
from psp_core.adapters.postgres.operations.books import PostgresBooks
from psp_core.adapters.postgres.operations.leases import Holding, PostgresLeases
from psp_core.adapters.postgres.operations.operator_actions import PostgresOperatorActions
from psp_core.adapters.postgres.operations.platform_settings import PostgresPlatformSettings
from psp_core.adapters.postgres.payables import PostgresPayables
from psp_core.adapters.postgres.pricing.due_dates import PostgresDueDates
from psp_core.adapters.postgres.pricing.fee_plans import PostgresFeePlans
from psp_core.adapters.postgres.pricing.holidays import PostgresHolidays
from psp_core.adapters.postgres.pricing.merchant_terms import PostgresMerchantTerms
from psp_core.adapters.postgres.pricing.plan_rules import PostgresPlanRules
from psp_core.adapters.postgres.refunds import PostgresRefunds
from psp_core.adapters.postgres.schema.schema_version import is_current
from psp_core.adapters.postgres.settlement.explanations import PostgresExplanations
from psp_core.adapters.postgres.settlement.reserve import PostgresReserve
from psp_core.adapters.postgres.settlement.settlement_lines import PostgresSettlementLines
from psp_core.adapters.postgres.settlement.settlement_reports import PostgresSettlementReports
from psp_core.adapters.postgres.settlement.settlements import PostgresSettlements
from psp_core.adapters.postgres.snapshots import freeze
from psp_core.domain.intake.idempotency import Intake
from psp_core.domain.kernel.errors import StorageUnavailable
from psp_core.domain.operations.leases import due_date_name, run_holder, this_process

psycopg2.extras.register_uuid()

_RUN_WAITS_S = 300
"""How long a run waits for the database when it starts in an outage."""

# One round trip. `true` makes each of them end with the commit or rollback, so that the connection's next
# user is the login again; and Postgres lets no later statement of this transaction write after all.
_READ_AS = """
SELECT set_config('transaction_read_only', 'on', true),
       set_config('role', 'psp_merchant', true),
       set_config('psp.customer_id', %s, true),
       set_config('statement_timeout', coalesce(%s, current_setting('statement_timeout')), true)
"""


_WRITE_AS = """
SELECT set_config('psp.customer_id', %s, true),
       set_config('statement_timeout', coalesce(%s, current_setting('statement_timeout')), true)
"""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How many connections, and how long anything may take; times in seconds."""

    size: int = 8
    connect_timeout_s: int = 2
    checkout_timeout_s: int = 2
    statement_timeout_s: int = 30
    lock_timeout_s: int = 10


def open_store(
    url: str,
    *,
    limits: PoolLimits,
    application_name: str = "psp",
    prepares: bool = True,
    lease_s: float = 15,
    read_url: str | None = None,
    read_pool_size: int = 8,
) -> PostgresStore:
    """Return the store in the database at `url`; its every wait is bounded. Nothing is connected yet.

    Merchants' reads go to `read_url`, if there is one: the same database with their own login, or a replica.
    """
    return PostgresStore(
        _engine(url, limits, application_name),
        # Not by switching a connection that is in use: psycopg2 would ask the server each time.
        autocommit=_engine(url, limits, application_name, isolation_level="AUTOCOMMIT"),
        lease_s=lease_s,
        read_only=_engine(read_url, replace(limits, size=read_pool_size), application_name) if read_url else None,
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


@dataclass(frozen=True)
class PostgresUnitOfWork:
    connection: Connection
    ends_s: float | None = None
    """By the monotonic clock; None has as long as any."""

    def freeze(self) -> None:
        freeze(self.connection)

    def shorten(self) -> None:
        if self.ends_s is None:
            return
        if (left_s := self.ends_s - time.monotonic()) <= 0:
            raise StorageUnavailable("the database did not answer in time")
        self.connection.exec_driver_sql("SELECT set_config('statement_timeout', %s, true)", (_timeout(left_s),))

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
    def plan_rules(self) -> PostgresPlanRules:
        return PostgresPlanRules(self.connection)

    @cached_property
    def holidays(self) -> PostgresHolidays:
        return PostgresHolidays(self.connection)

    @cached_property
    def merchant_terms(self) -> PostgresMerchantTerms:
        return PostgresMerchantTerms(self.connection)

    @cached_property
    def refunds(self) -> PostgresRefunds:
        return PostgresRefunds(self.connection)

    @cached_property
    def reserve(self) -> PostgresReserve:
        return PostgresReserve(self.connection)

    @cached_property
    def due_dates(self) -> PostgresDueDates:
        return PostgresDueDates(self.connection)

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
    def settlement_reports(self) -> PostgresSettlementReports:
        return PostgresSettlementReports(self.connection)

    @cached_property
    def explanations(self) -> PostgresExplanations:
        return PostgresExplanations(self.connection)

    @cached_property
    def operator_actions(self) -> PostgresOperatorActions:
        return PostgresOperatorActions(self.connection)

    @cached_property
    def leases(self) -> PostgresLeases:
        return PostgresLeases(self.connection)

    @cached_property
    def platform_settings(self) -> PostgresPlatformSettings:
        return PostgresPlatformSettings(self.connection)

    @cached_property
    def ledger(self) -> PostgresLedger:
        return PostgresLedger(self.connection)

    @cached_property
    def books(self) -> PostgresBooks:
        return PostgresBooks(self.connection)


@dataclass(frozen=True, slots=True)
class PostgresStore:
    engine: Engine
    autocommit: Engine
    """The same database, for what is a single statement."""

    read_only: Engine | None = field(default=None)
    """For the merchants' reads, when they have a login of their own, or a replica."""

    lease_s: float = 15
    """How long a holder may be silent before others take over."""

    prepares: bool = True
    """Whether statements may be prepared: no pooler hands out another connection for each."""

    @contextmanager
    def begin(self) -> Iterator[PostgresUnitOfWork]:
        with storage_errors(), self.engine.begin() as connection:
            yield PostgresUnitOfWork(connection)

    @contextmanager
    def write_as(self, customer_id: str, *, within_s: float | None = None) -> Iterator[PostgresUnitOfWork]:
        timeout = None if within_s is None else _timeout(within_s)
        with storage_errors(), self.engine.begin() as connection:
            connection.exec_driver_sql(_WRITE_AS, (customer_id, timeout))
            yield PostgresUnitOfWork(connection)

    def accept(self, intakes: Sequence[Intake], *, now: datetime, traceparent: str | None) -> list[bool]:
        with storage_errors(), self.autocommit.connect() as connection:
            return acceptance.accept(connection, intakes, now=now, traceparent=traceparent, prepares=self.prepares)

    @contextmanager
    def read_as(self, customer_id: str, *, within_s: float | None = None) -> Iterator[PostgresUnitOfWork]:
        ends_s = None if within_s is None else time.monotonic() + within_s
        timeout = None if within_s is None else _timeout(within_s)
        with storage_errors(), (self.read_only or self.engine).begin() as connection:
            connection.exec_driver_sql(_READ_AS, (customer_id, timeout))
            yield PostgresUnitOfWork(connection, ends_s)

    @contextmanager
    def hold_due_date(self, due_on: date, *, holder: str = "") -> Iterator[Holding]:
        holding = Holding(self.autocommit, due_date_name(due_on), holder or this_process(), self.lease_s)
        holding.take()
        try:
            yield holding
        finally:
            holding.release()

    @contextmanager
    def hold_run(
        self, run_id: str, *, due_dates: tuple[date, date] | None, on_lost: Callable[[], None]
    ) -> Iterator[Holding]:
        name = run_holder(run_id)
        holding = Holding(self.autocommit, name, name, self.lease_s, due_dates=due_dates, on_lost=on_lost)
        holding.take_when_reachable(within_s=_RUN_WAITS_S)
        try:
            yield holding
        finally:
            holding.release()

    def schema_is_current(self) -> bool:
        with storage_errors(), self.engine.connect() as connection:
            return is_current(connection)

    def close(self) -> None:
        """Hang up. Whoever goes on using the store connects anew."""
        for engine in (self.engine, self.autocommit, self.read_only):
            if engine is not None:
                engine.dispose()


def _timeout(seconds: float) -> str:
    # Not 0, which Postgres takes for no time-out.
    return f"{max(1, round(seconds * 1000))}ms"
