"""A history of settled payables whose days are sealed, made by INSERTs: what the ledger would hold of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from bench.rig.servers import Servers

MERCHANTS = 100
DAYS = 100
PER_COMMIT = 1_000
_ROWS_PER_STATEMENT = 250_000
_AMOUNT, _FEE = 1_000, 50
_ZEROS = "'\\x" + "00" * 32 + "'::bytea"

# Payable n of a day is merchant n % MERCHANTS's and in the day's commit n / PER_COMMIT.
_PLAN = f"""
CREATE TABLE bench_batches AS
SELECT day, merchant, uuid7_at(at) AS id, at FROM (
    SELECT d AS day, m AS merchant, %(start)s + d * INTERVAL '1 day' + INTERVAL '12 hours' AS at
    FROM generate_series(0, {DAYS - 1}) AS d, generate_series(0, {MERCHANTS - 1}) AS m
) AS source;
CREATE TABLE bench_commits AS
SELECT day, number, uuid7_at(at) AS id, at FROM (
    SELECT d AS day, c AS number, %(start)s + d * INTERVAL '1 day' + c * INTERVAL '1 second' AS at
    FROM generate_series(0, {DAYS - 1}) AS d, generate_series(0, %(per_day)s / {PER_COMMIT} - 1) AS c
) AS source;
CREATE TABLE bench_moves AS
SELECT day, kind, uuid7_at(at) AS id, at FROM (
    SELECT d AS day, kind, %(start)s + d * INTERVAL '1 day' + INTERVAL '12 hours' AS at
    FROM generate_series(0, {DAYS - 1}) AS d, unnest(ARRAY['settle', 'close']) AS kind
) AS source
"""  # noqa: S608

_SETTLEMENTS = f"""
INSERT INTO settlements (id, customer_id, currency, due_on, sequence, status, payable_count, gross_minor, fee_minor,
    net_minor, created_at, closed_at, opened_entry_id, entry_id, to_available_minor)
SELECT batch.id, 'merchant-' || merchant, 'BRL', batch.at::date, 1, 'closed', %(each)s, %(each)s * {_AMOUNT},
       %(each)s * {_FEE}, %(each)s * {_AMOUNT - _FEE}, batch.at, batch.at, settle.id, close.id,
       %(each)s * {_AMOUNT - _FEE}
FROM bench_batches AS batch
JOIN bench_moves AS settle ON settle.day = batch.day AND settle.kind = 'settle'
JOIN bench_moves AS close ON close.day = batch.day AND close.kind = 'close'
"""  # noqa: S608

_PAYABLES = f"""
WITH source AS MATERIALIZED (
    SELECT uuid7_at(at) AS transaction_id, at, merchant, batch_id, batch_at, entry_id FROM (
        SELECT bench_commits.at, bench_commits.id AS entry_id, bench_batches.merchant, bench_batches.id AS batch_id,
               bench_batches.at AS batch_at
        FROM generate_series(%(first)s, %(last)s) AS n
        JOIN bench_commits ON bench_commits.day = n / %(per_day)s AND number = n %% %(per_day)s / {PER_COMMIT}
        JOIN bench_batches ON bench_batches.day = n / %(per_day)s AND merchant = n %% {MERCHANTS}
    ) AS planned ORDER BY at
), made AS (
    INSERT INTO transactions SELECT transaction_id, 'merchant-' || merchant, 'paid', {_AMOUNT}, 'BRL', 'credit_card', 1,
        '', NULL, 'Luke', '2030-01-01', '1111', 'visa', at, at FROM source
)
INSERT INTO payables (id, transaction_id, customer_id, type, status, payment_method, installment, installments,
    currency, amount_minor, fee_bps, fee_minor, receivable_minor, payment_at, due_on, paid_at, settlement_id,
    created_at, updated_at, entry_id)
SELECT uuid7_at(at), transaction_id, 'merchant-' || merchant, 'credit', 'paid', 'credit_card', 1, 1, 'BRL', {_AMOUNT},
       500, {_FEE}, {_AMOUNT - _FEE}, at, batch_at::date, batch_at, batch_id, at, batch_at, entry_id
FROM source
"""  # noqa: S608

_LEDGER = f"""
INSERT INTO ledger_entries (id, kind, currency, effective_on, recorded_at, source)
SELECT id, 'capture', 'BRL', at::date, at, NULL FROM bench_commits
UNION ALL SELECT id, kind, 'BRL', at::date, at, at::date::text || CASE kind WHEN 'close' THEN '/' || id ELSE '' END
FROM bench_moves;
INSERT INTO ledger_postings (entry_id, account, customer_id, side, amount_minor)
SELECT id, 'acquirer_receivable', NULL, 'debit', {PER_COMMIT * _AMOUNT} FROM bench_commits
UNION ALL SELECT id, 'fee_revenue', NULL, 'credit', {PER_COMMIT * _FEE} FROM bench_commits
UNION ALL
SELECT id, 'merchant_pending', 'merchant-' || merchant, 'credit', {PER_COMMIT // MERCHANTS * (_AMOUNT - _FEE)}
FROM bench_commits, generate_series(0, {MERCHANTS - 1}) AS merchant
UNION ALL
SELECT id, CASE kind || ' ' || side WHEN 'settle debit' THEN 'merchant_pending'
                             WHEN 'close credit' THEN 'merchant_available' ELSE 'merchant_settling' END,
       'merchant-' || merchant, side, %(each)s * {_AMOUNT - _FEE}
FROM bench_moves, generate_series(0, {MERCHANTS - 1}) AS merchant, unnest(ARRAY['debit', 'credit']) AS side;
INSERT INTO ledger_sealed_balances
SELECT 'merchant-' || merchant, 'BRL', at::date, 0, 0, (day + 1) * %(each)s * {_AMOUNT - _FEE}, 0, 0, 0
FROM bench_batches;
INSERT INTO ledger_balances (customer_id, currency, available_minor)
SELECT 'merchant-' || m, 'BRL', {DAYS} * %(each)s * {_AMOUNT - _FEE} FROM generate_series(0, {MERCHANTS - 1}) AS m;
INSERT INTO ledger_days (day, entries, totals, hash, previous_hash, sealed_at)
SELECT at::date, 0, '[]', sha256(day::text::bytea),
       CASE day WHEN 0 THEN {_ZEROS} ELSE sha256((day - 1)::text::bytea) END, at
FROM bench_batches WHERE merchant = 0;
INSERT INTO ledger_state (opened_until, opening_ended_at, closed_until)
SELECT '00000000-0000-0000-0000-000000000000', now(), max(at)::date FROM bench_batches;
DROP TABLE bench_batches, bench_commits, bench_moves
"""  # noqa: S608


def add_sealed_history(servers: Servers, database: str, *, count: int, until: date) -> None:
    """Add `count` settled payables of the days before `until`, evenly spread, with their ledger, sealed."""
    per_day = count // DAYS
    if per_day * DAYS != count or per_day % PER_COMMIT:
        raise ValueError(f"{count} payables are not whole commits of {PER_COMMIT} on each of {DAYS} days")
    start = datetime.combine(until - timedelta(days=DAYS), time(), UTC)
    values = {"start": start, "per_day": per_day, "each": per_day // MERCHANTS}
    servers.run(database, _PLAN, "ANALYZE", _SETTLEMENTS, values=values)
    for first in range(0, count, _ROWS_PER_STATEMENT):
        last = min(first + _ROWS_PER_STATEMENT, count) - 1
        servers.run(database, _PAYABLES, values={**values, "first": first, "last": last})
    servers.run(database, _LEDGER, values=values)
