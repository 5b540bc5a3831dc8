"""Reserve lots in Postgres: what was kept back of a settlement. Whoever changes them holds their merchant's balance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from psp_core.adapters.postgres import arrays
from psp_core.adapters.postgres.ledger.posting import TAKE_CLOSING_LOCK
from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.journal import Paid

_ADD = """
INSERT INTO reserve_lots (settlement_id, customer_id, currency, amount_minor, left_minor, release_on)
SELECT settlement_id, customer_id, currency, amount_minor, amount_minor, %s::date + days
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bigint[], %s::int[])
     AS sent (settlement_id, customer_id, currency, amount_minor, days)
"""

# The oldest lot first: each gives what the ones before it have not.
_TAKE = """
WITH lots AS (
    SELECT settlement_id, wanted_minor - (sum(left_minor) OVER (
               PARTITION BY customer_id, currency ORDER BY release_on, settlement_id
           ) - left_minor) AS still_wanted_minor
    FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS sent (customer_id, currency, wanted_minor)
    JOIN reserve_lots USING (customer_id, currency) WHERE left_minor > 0
)
UPDATE reserve_lots SET left_minor = left_minor - least(left_minor, still_wanted_minor)
FROM lots WHERE reserve_lots.settlement_id = lots.settlement_id AND still_wanted_minor > 0
"""

_HOLD_DUE = f"""
{TAKE_CLOSING_LOCK};
SELECT customer_id, currency FROM ledger_balances
WHERE (customer_id, currency) IN (
    SELECT DISTINCT customer_id, currency FROM reserve_lots WHERE left_minor > 0 AND release_on <= %s LIMIT %s
)
ORDER BY customer_id, currency FOR NO KEY UPDATE
"""

# With a snapshot of its own: what was taken before the balances were held is gone.
_RELEASE = """
WITH due AS MATERIALIZED (
    SELECT settlement_id, customer_id, currency, left_minor
    FROM unnest(%(merchants)s::text[], %(currencies)s::text[]) AS sent (customer_id, currency)
    JOIN reserve_lots USING (customer_id, currency) WHERE left_minor > 0 AND release_on <= %(today)s
), released AS (
    UPDATE reserve_lots SET left_minor = 0 FROM due WHERE reserve_lots.settlement_id = due.settlement_id
), entries AS MATERIALIZED (
    SELECT currency, uuid7_at(%(now)s) AS id FROM due GROUP BY currency
)
SELECT entries.id, customer_id, currency, sum(left_minor)::bigint FROM due JOIN entries USING (currency)
GROUP BY entries.id, customer_id, currency ORDER BY customer_id, currency
"""


def add(connection: Connection, lots: Sequence[tuple[UUID, str, Currency, int, int]], *, today: date) -> None:
    """Keep back of each settlement so much for so many days."""
    if lots:
        settlements, merchants, currencies, amounts, days = zip(*lots, strict=True)
        values = (arrays.uuids(settlements), arrays.texts(merchants), arrays.texts(currencies), arrays.numbers(amounts))
        connection.exec_driver_sql(_ADD, (today, *values, arrays.numbers(days)))


def take(connection: Connection, wanted: Sequence[tuple[str, Currency, int]]) -> None:
    """Take so much of each merchant's lots, the oldest first."""
    if wanted:
        merchants, currencies, amounts = zip(*wanted, strict=True)
        connection.exec_driver_sql(_TAKE, (arrays.texts(merchants), arrays.texts(currencies), arrays.numbers(amounts)))


@dataclass(frozen=True, slots=True)
class PostgresReserve:
    connection: Connection

    def release(self, *, today: date, limit: int, now: datetime) -> list[Paid]:
        held = self.connection.exec_driver_sql(_HOLD_DUE, (today, limit)).all()
        values = {
            "merchants": arrays.texts(row[0] for row in held),
            "currencies": arrays.texts(row[1] for row in held),
            "today": today,
            "now": now,
        }
        rows = self.connection.exec_driver_sql(_RELEASE, values) if held else ()
        return [
            Paid(entry_id, customer_id, Currency(currency), minor) for entry_id, customer_id, currency, minor in rows
        ]
