"""Rows in the product's own shape, made inside Postgres: millions take minutes, not hours.

A thousand merchants, of whom the first has a fifth of everything. Ids are of version 7, for the row's own instant.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from bench.rig.servers import Servers

MERCHANTS = 1_000
LARGE_MERCHANT = "merchant-0000"
FEE_BPS = {"credit_card": 500, "debit_card": 300}
CREDIT_DELAY_DAYS = 30
_ROWS_PER_COMMIT = 500_000

_MERCHANT = "'merchant-' || to_char(CASE WHEN n %% 5 = 0 THEN 0 ELSE n %% %(merchants)s END, 'FM0000')"

# One in five is paid by debit card, one in ten in installments: at most one payable of each kind a transaction differs.
_TRANSACTIONS = f"""
INSERT INTO transactions (id, customer_id, status, amount_minor, currency, payment_method, installments, description,
    reference, card_holder_name, card_expires_on, card_last_four, card_brand, created_at, updated_at)
SELECT uuid7_at(at), {_MERCHANT}, CASE WHEN is_debit THEN 'paid' ELSE 'pending_payment' END, 100 + n %% 100000, 'BRL',
       CASE WHEN is_debit THEN 'debit_card' ELSE 'credit_card' END,
       CASE WHEN n %% 100 >= 100 - %(installments_percent)s THEN %(installments)s ELSE 1 END,
       'Lightsaber', 'order-' || n, 'Luke Skywalker', DATE '2030-10-01', '1111', 'visa', at, at
FROM (
    SELECT n, %(start)s + n * INTERVAL '1 ms' AS at, n %% 100 < %(debit_percent)s AS is_debit
    FROM generate_series(%(first)s, %(last)s) AS n
) AS source
"""  # noqa: S608

# What the product computes in `payables_for`, as one statement: the baseline of the drain.
BARE_PAYABLES = f"""
INSERT INTO payables (id, transaction_id, customer_id, type, status, payment_method, installment, installments,
    currency, amount_minor, fee_bps, fee_minor, receivable_minor, payment_at, due_on, paid_at, created_at, updated_at)
SELECT uuidv7(), id, customer_id, 'credit', CASE WHEN is_debit THEN 'paid' ELSE 'waiting_funds' END, payment_method,
       installment, installments, currency, part, fee_bps, fee, part - fee, payment_at,
       (payment_at AT TIME ZONE 'UTC')::date, CASE WHEN is_debit THEN created_at END, now(), now()
FROM transactions
CROSS JOIN LATERAL (SELECT payment_method = 'debit_card' AS is_debit) AS method
CROSS JOIN LATERAL (
    SELECT CASE WHEN is_debit THEN {FEE_BPS["debit_card"]} ELSE {FEE_BPS["credit_card"]} END AS fee_bps
) AS plan
CROSS JOIN LATERAL (SELECT amount_minor * fee_bps / 10000 AS whole) AS fees
CROSS JOIN LATERAL generate_series(1, installments) AS installment
CROSS JOIN LATERAL (
    SELECT amount_minor / installments + (installment <= amount_minor %% installments)::int AS part,
           whole / installments + (installment <= whole %% installments)::int AS fee,
           CASE WHEN is_debit THEN created_at
                ELSE created_at + installment * INTERVAL '{CREDIT_DELAY_DAYS} days' END AS payment_at
) AS terms
""".replace("%%", "%")  # noqa: S608

# Every transaction has exactly one payable due on the date; of those with two installments the first was settled.
_PREVIOUS_SETTLEMENTS = """
INSERT INTO settlements (id, customer_id, currency, due_on, sequence, status, payable_count, gross_minor, fee_minor,
    net_minor, created_at, closed_at, opened_entry_id)
SELECT uuid7_at(%(paid_at)s), customer_id, currency, %(due_on)s - 30, 1, 'closed', count(*), sum(part),
       sum(part * 500 / 10000), sum(part - part * 500 / 10000), %(paid_at)s, %(paid_at)s,
       '00000000-0000-0000-0000-000000000000'
FROM transactions CROSS JOIN LATERAL (SELECT amount_minor / 2 + amount_minor %% 2 AS part) AS first
WHERE installments = 2 GROUP BY customer_id, currency
"""

_DUE_PAYABLES = """
INSERT INTO payables (id, transaction_id, customer_id, type, status, payment_method, installment, installments,
    currency, amount_minor, fee_bps, fee_minor, receivable_minor, payment_at, due_on, paid_at, settlement_id,
    created_at, updated_at)
SELECT uuid7_at(t.created_at + INTERVAL '1 s'), t.id, t.customer_id, 'credit',
       CASE WHEN is_due THEN 'waiting_funds' ELSE 'paid' END, payment_method, installment, installments, t.currency,
       part, 500, part * 500 / 10000, part - part * 500 / 10000,
       day + TIME '12:00', day, CASE WHEN NOT is_due THEN %(paid_at)s END, CASE WHEN NOT is_due THEN s.id END,
       t.created_at + INTERVAL '1 s', CASE WHEN is_due THEN t.created_at + INTERVAL '1 s' ELSE %(paid_at)s END
FROM transactions AS t
CROSS JOIN LATERAL generate_series(1, installments) AS installment
CROSS JOIN LATERAL (
    SELECT amount_minor / installments + (installment <= amount_minor %% installments)::int AS part,
           installment = installments AS is_due,
           %(due_on)s - 30 * (installments - installment) AS day
) AS terms
LEFT JOIN settlements AS s ON s.customer_id = t.customer_id AND s.due_on = day
ORDER BY t.id
"""

# A list reads payables alone. Seven in ten are paid, by a settlement a merchant and day.
_LISTED_PAYABLES = f"""
INSERT INTO payables (id, transaction_id, customer_id, type, status, payment_method, installment, installments,
    currency, amount_minor, fee_bps, fee_minor, receivable_minor, payment_at, due_on, paid_at, settlement_id,
    created_at, updated_at)
SELECT uuid7_at(at), uuid7_at(at - INTERVAL '1 s'), merchant, 'credit',
       CASE WHEN is_paid THEN 'paid' ELSE 'waiting_funds' END, 'credit_card', 1, 1, 'BRL', amount, 500,
       amount * 500 / 10000, amount - amount * 500 / 10000, payment_at, payment_at::date,
       CASE WHEN is_paid THEN payment_at END,
       CASE WHEN is_paid THEN md5(merchant || payment_at::date)::uuid END, at, at
FROM (
    SELECT at, {_MERCHANT} AS merchant, 100 + n %% 100000 AS amount, at + INTERVAL '30 days' AS payment_at,
           n <= 0.7 * %(size)s AS is_paid
    FROM generate_series(%(first)s::bigint, %(last)s) AS n
    CROSS JOIN LATERAL (SELECT %(start)s + n * %(step_ms)s * INTERVAL '1 ms' AS at) AS instant
) AS source
"""  # noqa: S608


def add_transactions(
    servers: Servers,
    database: str,
    *,
    count: int,
    start: datetime,
    debit_percent: int = 20,
    installments_percent: int = 10,
    installments: int = 3,
) -> None:
    """Add transactions, a millisecond apart from `start` on."""
    for first in range(1, count + 1, _ROWS_PER_COMMIT):
        servers.run(
            database,
            _TRANSACTIONS,
            values={
                "merchants": MERCHANTS,
                "debit_percent": debit_percent,
                "installments_percent": installments_percent,
                "installments": installments,
                "start": start,
                "first": first,
                "last": min(first + _ROWS_PER_COMMIT - 1, count),
            },
        )


def add_due_payables(servers: Servers, database: str, *, count: int, due_on: date) -> None:
    """Add `count` transactions with one payable each that is due on the date; one in ten is a last installment."""
    noon = datetime(due_on.year, due_on.month, due_on.day, 12, tzinfo=UTC)
    start = noon - timedelta(days=90)
    add_transactions(
        servers, database, count=count, start=start, debit_percent=0, installments_percent=10, installments=2
    )
    values = {"due_on": due_on, "paid_at": noon - timedelta(days=CREDIT_DELAY_DAYS)}
    servers.run(database, _PREVIOUS_SETTLEMENTS, "ANALYZE", _DUE_PAYABLES, values=values)


def add_listed_payables(servers: Servers, database: str, *, count: int, days: int = 365) -> None:
    """Add payables of the last `days` days, evenly spread; their transactions are not there."""
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=days)
    step_ms = days * 86_400_000 // count
    for first in range(1, count + 1, _ROWS_PER_COMMIT):
        values = {
            "merchants": MERCHANTS,
            "start": start,
            "step_ms": step_ms,
            "size": count,
            "first": first,
            "last": min(first + _ROWS_PER_COMMIT - 1, count),
        }
        servers.run(database, _LISTED_PAYABLES, values=values)
