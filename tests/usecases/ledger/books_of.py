"""What a test sees of the ledger, and how it makes money move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import create_engine

from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import NewTransaction
from psp_core.settings import Settings
from tests.builders import a_submission
from tests.reach import postgres


def accept_and_drain(core: Core, *rows: NewTransaction) -> None:
    core.accept_transactions([a_submission(row) for row in rows])
    core.keep_relaying().run_until_empty()
    core.drain_queue()


def rows_of(core: Core, statement: str) -> Sequence[Any]:
    with postgres(core.store).begin() as work:
        return [tuple(row) for row in work.connection.exec_driver_sql(statement)]


def balances(core: Core, customer_id: str = "merchant-1", currency: str = "BRL") -> tuple[int, int, int]:
    """Return what is pending, settling and available, in minor units."""
    found = rows_of(
        core,
        "SELECT pending_minor, settling_minor, available_minor FROM ledger_balances"
        f" WHERE customer_id = '{customer_id}' AND currency = '{currency}'",
    )
    return found[0] if found else (0, 0, 0)


def entries(core: Core) -> Sequence[Any]:
    """Return the entries in the order of their making: kind, business date, source without a closing's id."""
    return rows_of(
        core,
        "SELECT kind, effective_on::text, split_part(source, '/', 1) FROM ledger_entries"
        " ORDER BY recorded_at, kind DESC",
    )


def postings(core: Core, kind: str) -> Sequence[Any]:
    """Return the sums of the postings on each account and side, of all entries of a kind."""
    return rows_of(
        core,
        "SELECT account, side, sum(amount_minor)::bigint FROM ledger_postings JOIN ledger_entries ON id = entry_id"
        f" WHERE kind = '{kind}' GROUP BY account, side ORDER BY side DESC, account",
    )


def execute(settings: Settings, *statements: str) -> None:
    """Run statements as an outside hand would: no trigger looks."""
    engine = create_engine(settings.database_url.get_secret_value())
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
