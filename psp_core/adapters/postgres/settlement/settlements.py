"""Settlements in Postgres: a chunk is one statement that pays, totals and marks the transactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from psp_core.adapters.postgres import arrays
from psp_core.adapters.postgres.listing import Conditions
from psp_core.adapters.postgres.settlement import already_available
from psp_core.adapters.postgres.settlement.chunks import FIRST_POSITION, as_array, as_due, totals
from psp_core.adapters.postgres.settlement.closing import close
from psp_core.domain.kernel.money import Currency
from psp_core.domain.kernel.paging import Page
from psp_core.domain.ledger.journal import Closed, Paid
from psp_core.domain.ledger.waterfall import Poured
from psp_core.domain.settlement.settlements import (
    Due,
    MerchantTotals,
    Settlement,
    SettlementChunk,
    SettlementFilter,
    SettlementStatus,
    Totals,
    merge_merchants,
)
from psp_core.domain.settlement.unpaid_dates import Debts, UnpaidDate

_COLUMNS = """id, customer_id, currency, due_on, sequence, status, payable_count, gross_minor, fee_minor, net_minor,
 available_count, available_gross_minor, available_fee_minor, available_net_minor, created_at, closed_at,
 to_available_minor, recovered_minor, reserve_withheld_minor, from_available_minor, from_reserve_minor, carried_minor"""

_DUE = """
SELECT customer_id, currency,
       count(*), sum(amount_minor)::bigint, sum(fee_minor)::bigint, sum(receivable_minor)::bigint,
       created_at < %(control_before)s AS controlled
FROM payables
WHERE status = 'waiting_funds' AND due_on = %(due_on)s
  AND (%(merchants)s::text[] IS NULL OR customer_id = ANY(%(merchants)s::text[]))
GROUP BY customer_id, currency, controlled
"""

_SETTLED = """
SELECT customer_id, currency,
       sum(payable_count)::bigint, sum(gross_minor)::bigint, sum(fee_minor)::bigint, sum(net_minor)::bigint
FROM settlements WHERE due_on = %s AND payable_count > 0 GROUP BY customer_id, currency
"""

# A loose index scan: one probe a date, however many payables each has.
_UNSETTLED_DATES = """
WITH RECURSIVE dates AS (
    (SELECT due_on FROM payables WHERE status = 'waiting_funds' ORDER BY due_on LIMIT 1)
    UNION ALL
    SELECT (SELECT due_on FROM payables WHERE status = 'waiting_funds' AND due_on > dates.due_on
            ORDER BY due_on LIMIT 1)
    FROM dates WHERE dates.due_on IS NOT NULL AND dates.due_on < %(until)s
)
SELECT due_on FROM dates WHERE due_on <= %(until)s
UNION
-- Killed between its last payables and its closing: what it paid is not available yet.
SELECT due_on FROM settlements WHERE status = 'open' AND due_on <= %(until)s
ORDER BY due_on
"""

# One pass: each date by currency, each date's merchants, and the merchants of all dates together.
_DEBTS = """
SELECT due_on, currency, count(*), sum(amount_minor)::bigint, sum(fee_minor)::bigint, sum(receivable_minor)::bigint,
       count(DISTINCT customer_id)
FROM payables
WHERE status = 'waiting_funds' AND due_on = ANY(%s::date[])
GROUP BY GROUPING SETS ((due_on, currency), (due_on), ())
ORDER BY due_on NULLS LAST, currency NULLS FIRST
"""

# `due` takes rows in the order of its partial index and skips what another commit holds. The guard
# on the UPDATE is what makes a second payment impossible. An open settlement is added to, and the
# first chunk of a merchant opens the next sequence. Transactions with one installment are paid with
# its credit; the others are handed back, because that needs to see what other runs have committed.
# What the planner knows may be of a time when nothing waited. So the guard is on `paid_at`, which says
# what the status does and is no index's condition: one of those it would read from end to end, and
# each row of it with each one that is due. And a FULL JOIN, which here gives what any join does, is
# never one of each row with each.
_SETTLE_CHUNK = """
WITH due AS MATERIALIZED (
    SELECT id, customer_id, currency, transaction_id, installments, type, amount_minor, fee_minor, receivable_minor,
           created_at < %(control_before)s AS controlled
    FROM payables
    WHERE status = 'waiting_funds' AND due_on = %(due_on)s
      AND (customer_id, id) > (%(after_customer)s, %(after_id)s)
      AND (%(merchants)s::text[] IS NULL OR customer_id = ANY(%(merchants)s::text[]))
    ORDER BY customer_id, id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), entries AS MATERIALIZED (
    SELECT currency, uuid7_at(%(now)s) AS id FROM due GROUP BY currency
), opened AS (
    INSERT INTO settlements AS settlement (
        id, customer_id, currency, due_on, sequence, status,
        payable_count, gross_minor, fee_minor, net_minor, created_at, opened_entry_id
    )
    SELECT uuid7_at(%(now)s), customer_id, currency, %(due_on)s,
           (SELECT coalesce(max(earlier.sequence), 0) + 1 FROM settlements earlier
            WHERE earlier.due_on = %(due_on)s AND earlier.customer_id = due.customer_id
              AND earlier.currency = due.currency),
           'open', count(*), sum(amount_minor), sum(fee_minor), sum(receivable_minor), %(now)s,
           (SELECT entries.id FROM entries WHERE entries.currency = due.currency)
    FROM due GROUP BY customer_id, currency
    ON CONFLICT (due_on, customer_id, currency) WHERE status = 'open' DO UPDATE SET
        payable_count = settlement.payable_count + excluded.payable_count,
        gross_minor = settlement.gross_minor + excluded.gross_minor,
        fee_minor = settlement.fee_minor + excluded.fee_minor,
        net_minor = settlement.net_minor + excluded.net_minor
    RETURNING id, customer_id, currency
), placed AS MATERIALIZED (
    SELECT due.*, opened.id AS opened_id FROM due FULL JOIN opened USING (customer_id, currency)
), paid AS (
    UPDATE payables SET status = 'paid', paid_at = %(now)s, updated_at = %(now)s, settlement_id = placed.opened_id
    FROM placed WHERE payables.id = placed.id AND payables.paid_at IS NULL
    RETURNING placed.*
), single AS (
    UPDATE transactions SET status = 'paid', updated_at = %(now)s
    FROM paid WHERE transactions.id = paid.transaction_id AND paid.installments = 1 AND paid.type = 'credit'
)
SELECT customer_id, currency, controlled,
       count(*), sum(amount_minor)::bigint, sum(fee_minor)::bigint, sum(receivable_minor)::bigint,
       array_agg(transaction_id) FILTER (WHERE installments > 1 AND type = 'credit'),
       (SELECT id FROM due ORDER BY customer_id DESC, id DESC LIMIT 1),
       (SELECT entries.id FROM entries WHERE entries.currency = paid.currency)
FROM paid GROUP BY customer_id, currency, controlled ORDER BY customer_id
"""

# Two dates that settle two installments of one transaction at once must see each other: whoever
# comes second waits for the row here, and its next statement sees the first one's commit.
_LOCK_TRANSACTIONS = "SELECT FROM transactions WHERE id = ANY(%s::uuid[]) ORDER BY id FOR UPDATE"

_PAY_TRANSACTIONS = """
UPDATE transactions SET status = 'paid', updated_at = %s
WHERE id = ANY(%s::uuid[]) AND status <> 'paid'
  AND installments = (
      SELECT count(*) FROM payables
      WHERE transaction_id = transactions.id AND type = 'credit' AND status = 'paid'
  )
"""

_KNOWN_MERCHANTS = """
SELECT name FROM unnest(%s::text[]) AS name
WHERE EXISTS (SELECT FROM transactions WHERE customer_id = name COLLATE "C")
"""


@dataclass(frozen=True, slots=True)
class PostgresSettlements:
    connection: Connection

    def due(self, due_on: date, *, merchants: Sequence[str] | None, control_before: datetime) -> Due:
        rows = self.connection.exec_driver_sql(
            _DUE,
            {"due_on": due_on, "merchants": as_array(merchants), "control_before": control_before},
        ).all()
        return as_due(rows)

    def settled(self, due_on: date) -> list[MerchantTotals]:
        return merge_merchants(totals(row) for row in self.connection.exec_driver_sql(_SETTLED, (due_on,)))

    def available(self, due_on: date, *, merchants: Sequence[str] | None, control_before: datetime) -> Due:
        return already_available.found(
            self.connection, due_on, merchants=as_array(merchants), control_before=control_before
        )

    def gathered(self, due_on: date) -> list[MerchantTotals]:
        return already_available.gathered(self.connection, due_on)

    def ungathered_dates(self, *, until: date) -> list[date]:
        return already_available.dates(self.connection, until=until)

    def known_merchants(self, names: Sequence[str]) -> set[str]:
        return set(self.connection.exec_driver_sql(_KNOWN_MERCHANTS, (list(names),)).scalars())

    def unsettled_dates(self, *, until: date) -> list[date]:
        return list(self.connection.exec_driver_sql(_UNSETTLED_DATES, {"until": until}).scalars())

    def debts(self, due_on: Sequence[date]) -> Debts:
        rows = self.connection.exec_driver_sql(_DEBTS, (list(due_on),)).all()
        owed: dict[date, dict[Currency, Totals]] = {}
        for row in rows:
            if row.currency is not None:
                owed.setdefault(row.due_on, {})[Currency(row.currency)] = Totals(row[2], row[3], row[4], row[5])
        merchants = {row.due_on: row[6] for row in rows if row.currency is None}
        return Debts([UnpaidDate(day, owed[day], merchants[day]) for day in owed], merchants[None])

    def settle_chunk(
        self,
        due_on: date,
        *,
        merchants: Sequence[str] | None,
        after: tuple[str, UUID] | None,
        limit: int,
        control_before: datetime,
        now: datetime,
    ) -> SettlementChunk:
        after_customer, after_id = after or FIRST_POSITION
        rows = self.connection.exec_driver_sql(
            _SETTLE_CHUNK,
            {
                "due_on": due_on,
                "merchants": as_array(merchants),
                "after_customer": after_customer,
                "after_id": str(after_id),
                "limit": limit,
                "control_before": control_before,
                "now": now,
            },
        ).all()
        if not rows:
            return SettlementChunk([], [], [], None)
        self._pay_finished([id for row in rows for id in row[7] or ()], now=now)
        parts = [MerchantTotals(row[0], Currency(row[1]), Totals(row[3], row[4], row[5], row[6])) for row in rows]
        controlled = [part for part, row in zip(parts, rows, strict=True) if row[2]]
        moved = [Paid(row[9], row[0], Currency(row[1]), row[6]) for row in rows]
        return SettlementChunk(merge_merchants(parts), merge_merchants(controlled), moved, (rows[-1][0], rows[-1][8]))

    def _pay_finished(self, transaction_ids: list[UUID], *, now: datetime) -> None:
        """Mark those transactions paid of which no payable is left to pay."""
        if transaction_ids:
            ids = arrays.uuids(transaction_ids)
            self.connection.exec_driver_sql(_LOCK_TRANSACTIONS, (ids,))
            self.connection.exec_driver_sql(_PAY_TRANSACTIONS, (now, ids))

    def gather_chunk(
        self,
        due_on: date,
        *,
        merchants: Sequence[str] | None,
        after: tuple[str, UUID] | None,
        limit: int,
        control_before: datetime,
        now: datetime,
    ) -> SettlementChunk:
        return already_available.gather(
            self.connection,
            due_on,
            merchants=as_array(merchants),
            after=after or FIRST_POSITION,
            limit=limit,
            control_before=control_before,
            now=now,
        )

    def close(
        self, due_on: date, *, merchants: Sequence[str] | None, limit: int, today: date, now: datetime
    ) -> list[Closed]:
        return close(self.connection, due_on, merchants=as_array(merchants), limit=limit, today=today, now=now)

    def find(self, customer_id: str, id: UUID) -> Settlement | None:
        row = self.connection.exec_driver_sql(
            f"SELECT {_COLUMNS} FROM settlements WHERE id = %s AND customer_id = %s", (id, customer_id)
        ).one_or_none()
        return _settlement(row) if row else None

    def page(self, customer_id: str, where: SettlementFilter, page: Page) -> list[Settlement]:
        conditions = Conditions(customer_id)
        conditions.equal("status", where.status)
        conditions.equal("due_on", where.due_on)
        conditions.within("due_on", where.due_from, where.due_before)
        return [_settlement(row) for row in conditions.newest_first(self.connection, "settlements", _COLUMNS, page)]


def _settlement(row: Row[Any]) -> Settlement:
    return Settlement(
        id=row.id,
        customer_id=row.customer_id,
        currency=Currency(row.currency),
        due_on=row.due_on,
        sequence=row.sequence,
        status=SettlementStatus(row.status),
        totals=Totals(row.payable_count, row.gross_minor, row.fee_minor, row.net_minor),
        available=Totals(
            row.available_count, row.available_gross_minor, row.available_fee_minor, row.available_net_minor
        ),
        created_at=row.created_at,
        closed_at=row.closed_at,
        poured=_poured(row),
    )


def _poured(row: Row[Any]) -> Poured | None:
    if row.closed_at is None:
        return None
    if row.to_available_minor is None:
        # Of before there was a ledger: all of it.
        return Poured(to_available_minor=row.net_minor)
    return Poured(*row[-6:])
