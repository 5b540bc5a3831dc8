"""What was paid at once, in Postgres: gathered into settlements when its day is over, and nothing else changes.

Only payables by debit card are. A credit payable that is paid without a settlement is for the books to find.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from psp_core.adapters.postgres.settlement.chunks import as_due, totals
from psp_core.domain.ledger.opening import NO_ENTRY
from psp_core.domain.settlement.settlements import Due, MerchantTotals, SettlementChunk, merge_merchants

_FOUND = """
SELECT customer_id, currency,
       count(*), sum(amount_minor)::bigint, sum(fee_minor)::bigint, sum(receivable_minor)::bigint,
       created_at < %(control_before)s AS controlled
FROM payables
WHERE payment_method = 'debit_card' AND settlement_id IS NULL AND status = 'paid' AND due_on = %(due_on)s
  AND (%(merchants)s::text[] IS NULL OR customer_id = ANY(%(merchants)s::text[]))
GROUP BY customer_id, currency, controlled
"""

_GATHERED = """
SELECT customer_id, currency, sum(available_count)::bigint, sum(available_gross_minor)::bigint,
       sum(available_fee_minor)::bigint, sum(available_net_minor)::bigint
FROM settlements WHERE due_on = %s AND available_count > 0 GROUP BY customer_id, currency
"""

# A loose scan of the partial index alone: one probe a date, however many payables each has.
_DATES = """
WITH RECURSIVE dates AS (
    (SELECT due_on FROM payables WHERE payment_method = 'debit_card' AND settlement_id IS NULL AND status = 'paid'
     ORDER BY due_on LIMIT 1)
    UNION ALL
    SELECT (SELECT due_on FROM payables
            WHERE payment_method = 'debit_card' AND settlement_id IS NULL AND status = 'paid' AND due_on > dates.due_on
            ORDER BY due_on LIMIT 1)
    FROM dates WHERE dates.due_on IS NOT NULL AND dates.due_on < %(until)s
)
SELECT due_on FROM dates WHERE due_on <= %(until)s ORDER BY due_on
"""

# As a chunk of what is due, in the order of another partial index. The guard on the UPDATE is what makes a second
# place impossible; status, `paid_at` and the transaction stay as they are.
_GATHER_CHUNK = """
WITH found AS MATERIALIZED (
    SELECT id, customer_id, currency, amount_minor, fee_minor, receivable_minor,
           created_at < %(control_before)s AS controlled
    FROM payables
    WHERE payment_method = 'debit_card' AND settlement_id IS NULL AND status = 'paid' AND due_on = %(due_on)s
      AND (customer_id, id) > (%(after_customer)s, %(after_id)s)
      AND (%(merchants)s::text[] IS NULL OR customer_id = ANY(%(merchants)s::text[]))
    ORDER BY customer_id, id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), opened AS (
    INSERT INTO settlements AS settlement (
        id, customer_id, currency, due_on, sequence, status, payable_count, gross_minor, fee_minor, net_minor,
        available_count, available_gross_minor, available_fee_minor, available_net_minor, created_at,
        opened_entry_id
    )
    SELECT uuid7_at(%(now)s), customer_id, currency, %(due_on)s,
           (SELECT coalesce(max(earlier.sequence), 0) + 1 FROM settlements earlier
            WHERE earlier.due_on = %(due_on)s AND earlier.customer_id = found.customer_id
              AND earlier.currency = found.currency),
           'open', 0, 0, 0, 0, count(*), sum(amount_minor), sum(fee_minor), sum(receivable_minor), %(now)s,
           %(no_entry)s
    FROM found GROUP BY customer_id, currency
    ON CONFLICT (due_on, customer_id, currency) WHERE status = 'open' DO UPDATE SET
        available_count = settlement.available_count + excluded.available_count,
        available_gross_minor = settlement.available_gross_minor + excluded.available_gross_minor,
        available_fee_minor = settlement.available_fee_minor + excluded.available_fee_minor,
        available_net_minor = settlement.available_net_minor + excluded.available_net_minor
    RETURNING id, customer_id, currency
), matched AS MATERIALIZED (
    SELECT found.*, opened.id AS opened_id FROM found FULL JOIN opened USING (customer_id, currency)
), placed AS (
    UPDATE payables SET updated_at = %(now)s, settlement_id = matched.opened_id
    FROM matched WHERE payables.id = matched.id AND payables.settlement_id IS NULL
    RETURNING matched.*
)
SELECT customer_id, currency,
       count(*), sum(amount_minor)::bigint, sum(fee_minor)::bigint, sum(receivable_minor)::bigint,
       controlled, (SELECT id FROM found ORDER BY customer_id DESC, id DESC LIMIT 1)
FROM placed GROUP BY customer_id, currency, controlled ORDER BY customer_id
"""


def found(connection: Connection, due_on: date, *, merchants: list[str] | None, control_before: datetime) -> Due:
    """Return what was paid at once on the date and is in no settlement yet."""
    values = {"due_on": due_on, "merchants": merchants, "control_before": control_before}
    return as_due(connection.exec_driver_sql(_FOUND, values).all())


def gathered(connection: Connection, due_on: date) -> list[MerchantTotals]:
    """Return what was already available, of the date's settlements."""
    return merge_merchants(totals(row) for row in connection.exec_driver_sql(_GATHERED, (due_on,)))


def dates(connection: Connection, *, until: date) -> list[date]:
    """Return the dates up to and including `until` that have something to gather, oldest first."""
    return list(connection.exec_driver_sql(_DATES, {"until": until}).scalars())


def gather(
    connection: Connection,
    due_on: date,
    *,
    merchants: list[str] | None,
    after: tuple[str, UUID],
    limit: int,
    control_before: datetime,
    now: datetime,
) -> SettlementChunk:
    """Put at most `limit` payables that follow `after` into open settlements of their date."""
    values = {
        "due_on": due_on,
        "merchants": merchants,
        "after_customer": after[0],
        "after_id": str(after[1]),
        "limit": limit,
        "control_before": control_before,
        "now": now,
        "no_entry": NO_ENTRY,
    }
    rows = connection.exec_driver_sql(_GATHER_CHUNK, values).all()
    placed = as_due(rows)
    return SettlementChunk(placed.all, placed.controlled, [], (rows[-1][0], rows[-1][7]) if rows else None)
