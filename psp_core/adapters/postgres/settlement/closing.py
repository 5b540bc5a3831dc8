"""Closing settlements in Postgres: each once, whole, with where its net goes or comes from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row

from psp_core.adapters.postgres import arrays
from psp_core.adapters.postgres.ledger.posting import TAKE_CLOSING_LOCK
from psp_core.adapters.postgres.settlement import reserve
from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.journal import Closed
from psp_core.domain.ledger.waterfall import pour

# The balances are those that it is poured into: held from here on, in the order of everybody, after the lock of who
# posts. One that nothing was ever posted to has a net of nothing.
_HOLD = f"""
{TAKE_CLOSING_LOCK};
WITH open AS MATERIALIZED (
    SELECT id, customer_id, currency, net_minor FROM settlements WHERE due_on = %(due_on)s AND status = 'open'
      AND (%(merchants)s::text[] IS NULL OR customer_id = ANY(%(merchants)s::text[]))
    ORDER BY customer_id, currency LIMIT %(limit)s FOR UPDATE
), entries AS MATERIALIZED (
    SELECT currency, uuid7_at(%(now)s) AS id FROM open GROUP BY currency
), held AS MATERIALIZED (
    SELECT stored.* FROM open JOIN ledger_balances AS stored USING (customer_id, currency)
    ORDER BY stored.customer_id, stored.currency FOR NO KEY UPDATE OF stored
)
SELECT open.id, entries.id AS entry_id, customer_id, currency, net_minor,
       coalesce(available_minor, 0) AS available, coalesce(reserve_minor, 0) AS reserve,
       coalesce(debt_minor, 0) AS debt, coalesce(reserve_days, 0) AS reserve_days,
       CASE WHEN reserve_bps > 0 AND net_minor > 0 THEN (
           SELECT coalesce(sum(receivable_minor), 0)::bigint * reserve_bps / 10000 FROM payables
           WHERE settlement_id = open.id AND receivable_minor > 0
             AND NOT (payment_method = 'debit_card' AND type = 'credit')
       ) ELSE 0 END AS withheld
FROM open FULL JOIN held USING (customer_id, currency) JOIN entries USING (currency)
LEFT JOIN merchant_terms USING (customer_id, currency)
"""

# The guard is what makes a second closing impossible; no index has its condition, so that what the planner knows of
# what is open does not matter. What moves nothing has no entry.
_CLOSE = """
UPDATE settlements SET status = 'closed', closed_at = %s, entry_id = CASE WHEN net_minor <> 0 THEN sent.entry_id END,
    to_available_minor = to_available, recovered_minor = recovered, reserve_withheld_minor = withheld,
    from_available_minor = from_available, from_reserve_minor = from_reserve, carried_minor = carried
FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
     AS sent (id, entry_id, to_available, recovered, withheld, from_available, from_reserve, carried)
WHERE settlements.id = sent.id AND settlements.closed_at IS NULL
"""


def close(
    connection: Connection, due_on: date, *, merchants: list[str] | None, limit: int, today: date, now: datetime
) -> list[Closed]:
    """Close at most `limit`, in their order; what was already available (decision 26) moves nothing."""
    rows = connection.exec_driver_sql(
        _HOLD, {"due_on": due_on, "merchants": merchants, "limit": limit, "now": now}
    ).all()
    if not rows:
        return []
    closed = [
        Closed(
            row.entry_id,
            row.customer_id,
            Currency(row.currency),
            pour(
                row.net_minor,
                available_minor=row.available,
                reserve_minor=row.reserve,
                debt_minor=row.debt,
                withheld_minor=row.withheld,
            ),
        )
        for row in rows
    ]
    poured = [each.poured for each in closed]
    connection.exec_driver_sql(
        _CLOSE,
        (
            now,
            arrays.uuids(row.id for row in rows),
            arrays.uuids(row.entry_id for row in rows),
            arrays.numbers(each.to_available_minor for each in poured),
            arrays.numbers(each.recovered_minor for each in poured),
            arrays.numbers(each.reserve_withheld_minor for each in poured),
            arrays.numbers(each.from_available_minor for each in poured),
            arrays.numbers(each.from_reserve_minor for each in poured),
            arrays.numbers(each.carried_minor for each in poured),
        ),
    )
    _keep_and_take(connection, rows, closed, today=today)
    return closed


def _keep_and_take(connection: Connection, rows: Sequence[Row[Any]], closed: Sequence[Closed], *, today: date) -> None:
    """Keep back what was withheld, and take what came out of the reserve, of each merchant."""
    reserve.add(
        connection,
        [
            (row.id, each.customer_id, each.currency, each.poured.reserve_withheld_minor, row.reserve_days)
            for row, each in zip(rows, closed, strict=True)
            if each.poured.reserve_withheld_minor
        ],
        today=today,
    )
    reserve.take(
        connection,
        [
            (each.customer_id, each.currency, each.poured.from_reserve_minor)
            for each in closed
            if each.poured.from_reserve_minor
        ],
    )
