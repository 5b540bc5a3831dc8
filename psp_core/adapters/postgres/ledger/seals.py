"""Closed and sealed days in Postgres."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Row

from psp_core.adapters.postgres.ledger.posting import BALANCE_COLUMNS, CLOSING_LOCK
from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.accounts import Account, Side
from psp_core.domain.ledger.entries import Entry, EntryKind, Posting
from psp_core.domain.ledger.sealing import AccountTotal, SealedDay

ROWS_PER_FETCH = 10_000

# Whoever posts holds the lock until its commit: after this one, no entry of the day is still to come.
_CLOSE = f"""
SELECT pg_advisory_xact_lock({CLOSING_LOCK});
UPDATE ledger_state SET closed_until = greatest(closed_until, %s)
"""

_DAYS = "SELECT day, entries, totals, hash, previous_hash, sealed_at FROM ledger_days"

_ENTRIES = """
SELECT id, kind, currency, effective_on, recorded_at, source, reverses_id, account, customer_id, side, amount_minor
FROM ledger_entries JOIN ledger_postings ON entry_id = id
WHERE effective_on = %s
ORDER BY id, account, customer_id COLLATE "C", side
"""

_MOVED = """
SELECT currency, account, coalesce(sum(amount_minor) FILTER (WHERE side = 'debit'), 0)::bigint,
       coalesce(sum(amount_minor) FILTER (WHERE side = 'credit'), 0)::bigint
FROM ledger_entries JOIN ledger_postings ON entry_id = id
WHERE effective_on = %s GROUP BY currency, account
"""

GROWN = ", ".join(
    f"coalesce(sum(CASE side WHEN '{account.side}' THEN amount_minor ELSE -amount_minor END)"
    f" FILTER (WHERE account = '{account}'), 0)::bigint AS {column}"
    for account, column in BALANCE_COLUMNS.items()
)
"""By how much each stored balance grows by the postings that are selected, as columns."""

_NAMES = ", ".join(BALANCE_COLUMNS.values())
_SUMS = ", ".join(f"coalesce(earlier.{name}, 0) + moved.{name}" for name in BALANCE_COLUMNS.values())

_SEAL_BALANCES = f"""
INSERT INTO ledger_sealed_balances (customer_id, currency, sealed_on, {_NAMES})
SELECT moved.customer_id, moved.currency, %(day)s, {_SUMS}
FROM (
    SELECT customer_id, currency, {GROWN}
    FROM ledger_entries JOIN ledger_postings ON entry_id = id
    WHERE effective_on = %(day)s AND customer_id IS NOT NULL GROUP BY customer_id, currency
) AS moved
LEFT JOIN LATERAL (
    SELECT {_NAMES} FROM ledger_sealed_balances AS sealed
    WHERE sealed.customer_id = moved.customer_id AND sealed.currency = moved.currency AND sealed_on < %(day)s
    ORDER BY sealed_on DESC LIMIT 1
) AS earlier ON true
"""

_ADD = """
INSERT INTO ledger_days (day, entries, totals, hash, previous_hash, sealed_at) VALUES (%s, %s, %s, %s, %s, %s)
"""

_LARGEST = """
SELECT customer_id, currency, sum(amount_minor)::bigint AS moved_minor
FROM ledger_entries JOIN ledger_postings ON entry_id = id
WHERE effective_on = %s AND customer_id IS NOT NULL
GROUP BY customer_id, currency ORDER BY moved_minor DESC, customer_id LIMIT %s
"""


def close(connection: Connection, day: date) -> None:
    connection.exec_driver_sql(_CLOSE, (day,))


def first_day(connection: Connection) -> date | None:
    found: date | None = connection.exec_driver_sql("SELECT min(effective_on) FROM ledger_entries").scalar_one()
    return found


def last_day(connection: Connection) -> date | None:
    found: date | None = connection.exec_driver_sql("SELECT max(effective_on) FROM ledger_entries").scalar_one()
    return found


def sealed_days(connection: Connection, *, since: date | None, limit: int) -> list[SealedDay]:
    rows = connection.exec_driver_sql(
        f"{_DAYS} WHERE day >= coalesce(%s, '-infinity'::date) ORDER BY day LIMIT %s", (since, limit)
    )
    return [_day(row) for row in rows]


def last_sealed(connection: Connection) -> SealedDay | None:
    row = connection.exec_driver_sql(f"{_DAYS} ORDER BY day DESC LIMIT 1").one_or_none()
    return _day(row) if row else None


def entries(connection: Connection, day: date) -> Iterator[Entry]:
    """Yield the day's entries with their postings, in the order of their keys."""
    # A day of many commits is read as a whole.
    connection.exec_driver_sql("SET LOCAL statement_timeout = '10min'")
    streamed = {"stream_results": True, "max_row_buffer": ROWS_PER_FETCH}
    # For this statement alone: others of the same commit write.
    rows = connection.exec_driver_sql(_ENTRIES, (day,), execution_options=streamed)
    for (id, kind, currency, effective_on, recorded_at, source, reverses_id), group in groupby(
        rows, key=itemgetter(0, 1, 2, 3, 4, 5, 6)
    ):
        postings = [Posting(Account(row[7]), row[8], Side(row[9]), row[10]) for row in group]
        yield Entry(id, EntryKind(kind), Currency(currency), effective_on, recorded_at, source, postings, reverses_id)


def moved(connection: Connection, day: date) -> list[tuple[Currency, Account, int, int]]:
    rows = connection.exec_driver_sql(_MOVED, (day,))
    return [(Currency(currency), Account(account), debit, credit) for currency, account, debit, credit in rows]


def add(connection: Connection, sealed: SealedDay) -> None:
    connection.exec_driver_sql(_SEAL_BALANCES, {"day": sealed.day})
    totals = json.dumps([asdict(total) for total in sealed.totals])
    connection.exec_driver_sql(
        _ADD, (sealed.day, sealed.entries, totals, sealed.hash, sealed.previous_hash, sealed.sealed_at)
    )


def largest(connection: Connection, day: date, *, limit: int) -> list[tuple[str, Currency, int]]:
    rows = connection.exec_driver_sql(_LARGEST, (day, limit))
    return [(customer_id, Currency(currency), moved_minor) for customer_id, currency, moved_minor in rows]


def _day(row: Row[Any]) -> SealedDay:
    totals = [
        AccountTotal(
            Currency(each["currency"]),
            Account(each["account"]),
            each["debit_minor"],
            each["credit_minor"],
            each["balance_minor"],
        )
        for each in row.totals
    ]
    return SealedDay(row.day, row.entries, totals, bytes(row.hash), bytes(row.previous_hash), row.sealed_at)
