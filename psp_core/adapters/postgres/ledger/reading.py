"""What is read of the ledger in Postgres: a merchant's balances, an entry, all merchants' balances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from psp_core.adapters.postgres.ledger.posting import BALANCE_COLUMNS
from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.accounts import Account, Side
from psp_core.domain.ledger.balances import Balance, Debt, EntryView
from psp_core.domain.ledger.entries import Entry, EntryKind, Posting

_NAMES = ", ".join(BALANCE_COLUMNS.values())
_BALANCES = f"SELECT currency, {_NAMES} FROM ledger_balances WHERE customer_id = %s ORDER BY currency"
_ENTRY = "SELECT id, kind, currency, effective_on, recorded_at, source, reverses_id FROM ledger_entries WHERE id = %s"
_POSTINGS = """
SELECT account, customer_id, side, amount_minor FROM ledger_postings WHERE entry_id = %s
ORDER BY account, customer_id COLLATE "C", side
"""
_DEBTS = """
SELECT customer_id, currency, debt_minor, debt_since FROM ledger_balances WHERE debt_minor > 0
ORDER BY debt_since, customer_id, currency LIMIT %s
"""
_REVERSED_BY = "SELECT id FROM ledger_entries WHERE reverses_id = %s"
# Made in the commit of the entry, and their ids with its own: they begin with the same millisecond.
_PAYABLES = "SELECT count(*) FROM payables WHERE entry_id = %s AND id >= %s AND id < %s"


def balances(connection: Connection, customer_id: str) -> list[Balance]:
    rows = connection.exec_driver_sql(_BALANCES, (customer_id,))
    return [Balance(Currency(currency), *amounts) for currency, *amounts in rows]


def entry(connection: Connection, id: UUID) -> Entry | None:
    row = connection.exec_driver_sql(_ENTRY, (id,)).one_or_none()
    return _entry(connection, row) if row else None


def view(connection: Connection, id: UUID) -> EntryView | None:
    found = entry(connection, id)
    if found is None:
        return None
    milliseconds = id.int >> 80
    bounds = UUID(int=milliseconds << 80), UUID(int=(milliseconds + 1) << 80)
    payables = connection.exec_driver_sql(_PAYABLES, (id, *bounds)).scalar_one()
    return EntryView(found, reversed_by(connection, id), payables)


def reversed_by(connection: Connection, id: UUID) -> UUID | None:
    found: UUID | None = connection.exec_driver_sql(_REVERSED_BY, (id,)).scalar_one_or_none()
    return found


def debts(connection: Connection, *, limit: int) -> list[Debt]:
    """Return the oldest debts of all merchants."""
    return [Debt(row[0], Currency(row[1]), row[2], row[3]) for row in connection.exec_driver_sql(_DEBTS, (limit,))]


def all_accounts(connection: Connection) -> Iterator[tuple[Account, str | None]]:
    """Yield every account that has a posting."""
    rows = connection.exec_driver_sql("SELECT DISTINCT account, customer_id FROM ledger_postings ORDER BY 1, 2")
    return ((Account(account), customer_id) for account, customer_id in rows)


def all_balances(connection: Connection) -> Iterator[tuple[str, Balance]]:
    rows = connection.exec_driver_sql(f"SELECT customer_id, currency, {_NAMES} FROM ledger_balances ORDER BY 1, 2")
    return ((customer_id, Balance(Currency(currency), *amounts)) for customer_id, currency, *amounts in rows)


def _entry(connection: Connection, row: Row[Any]) -> Entry:
    postings = [
        Posting(Account(account), customer_id, Side(side), amount)
        for account, customer_id, side, amount in connection.exec_driver_sql(_POSTINGS, (row.id,))
    ]
    return Entry(
        row.id,
        EntryKind(row.kind),
        Currency(row.currency),
        row.effective_on,
        row.recorded_at,
        row.source,
        postings,
        row.reverses_id,
    )
