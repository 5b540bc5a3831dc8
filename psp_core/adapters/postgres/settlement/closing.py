"""Closing settlements in Postgres: each once, whole, with what becomes available by it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Connection

from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.journal import Paid

# The guard on the UPDATE is what makes a second closing impossible; no index has its condition, so that what the
# planner knows of what is open does not matter. What moves nothing has no entry.
_CLOSE = """
WITH open AS MATERIALIZED (
    SELECT id, currency FROM settlements WHERE due_on = %(due_on)s AND status = 'open'
      AND (%(merchants)s::text[] IS NULL OR customer_id = ANY(%(merchants)s::text[]))
    ORDER BY customer_id, currency LIMIT %(limit)s FOR UPDATE
), entries AS MATERIALIZED (
    SELECT currency, uuid7_at(%(now)s) AS id FROM open GROUP BY currency
)
UPDATE settlements SET status = 'closed', closed_at = %(now)s, to_available_minor = net_minor,
    entry_id = CASE WHEN net_minor <> 0 THEN entries.id END
FROM open JOIN entries USING (currency)
WHERE settlements.id = open.id AND settlements.closed_at IS NULL
RETURNING entries.id, settlements.customer_id, settlements.currency, settlements.net_minor
"""


def close(
    connection: Connection, due_on: date, *, merchants: list[str] | None, limit: int, now: datetime
) -> list[Paid]:
    """Close at most `limit`, in their order; what was already available (decision 26) moves nothing."""
    rows = connection.exec_driver_sql(_CLOSE, {"due_on": due_on, "merchants": merchants, "limit": limit, "now": now})
    return [Paid(entry_id, customer_id, Currency(currency), net) for entry_id, customer_id, currency, net in rows]
