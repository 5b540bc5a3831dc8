"""The lines of a due date's settlements, streamed from one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from psp_core.adapters.postgres.settlement.chunks import as_array, totals
from psp_core.adapters.postgres.snapshots import freeze
from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.waterfall import Poured
from psp_core.domain.payables import PayableType
from psp_core.domain.settlement.report import LINES_OF_PAYABLES, Batch, ReportedBatch, ReportLine
from psp_core.domain.settlement.settlements import MerchantTotals, SettlementTotals, Totals, merge_merchants

ROWS_PER_FETCH = 5_000

_BATCHES = """
SELECT id, customer_id, currency, due_on, sequence, payable_count, gross_minor, fee_minor, net_minor,
       available_count, available_gross_minor, available_fee_minor, available_net_minor,
       to_available_minor, recovered_minor, reserve_withheld_minor, from_available_minor, from_reserve_minor,
       carried_minor
FROM settlements WHERE due_on = %s ORDER BY customer_id, currency, sequence
"""

_LINE = """
SELECT settlement_id, transaction_id, payables.id, reference, payables.payment_method, transactions.created_at,
       installment, payables.amount_minor, payables.fee_minor, receivable_minor, payables.type
"""

_LINES = f"""
{_LINE} FROM settlements
JOIN payables ON settlement_id = settlements.id
JOIN transactions ON transactions.id = transaction_id
WHERE settlements.due_on = %s
ORDER BY settlements.customer_id, settlements.currency, sequence, payables.id
"""

_PART = f"""
{_LINE} FROM payables
JOIN transactions ON transactions.id = transaction_id
WHERE settlement_id = %s AND payables.id > %s AND payables.customer_id = %s
ORDER BY payables.id LIMIT %s
"""

_TOTALS = """
SELECT settlements.customer_id, settlements.currency, count(*), sum(amount_minor)::bigint,
       sum(payables.fee_minor)::bigint, sum(receivable_minor)::bigint
FROM settlements JOIN payables ON settlement_id = settlements.id
WHERE settlements.due_on = %(due_on)s
  AND (%(merchants)s::text[] IS NULL OR settlements.customer_id = ANY(%(merchants)s::text[]))
GROUP BY settlements.customer_id, settlements.currency
"""

_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class PostgresSettlementLines:
    connection: Connection

    def batches(self, due_on: date) -> list[ReportedBatch]:
        # Settling may go on meanwhile: totals and lines must be of one moment.
        freeze(self.connection)
        rows = self.connection.exec_driver_sql(_BATCHES, (due_on,))
        return [
            ReportedBatch(
                Batch(row[0], row[1], Currency(row[2]), row[3], row[4]),
                SettlementTotals(Totals(*row[5:9]), Totals(*row[9:13])),
                # Open, or of before there was a ledger.
                None if row[13] is None else Poured(*row[13:19]),
            )
            for row in rows
        ]

    def lines(self, batches: list[Batch]) -> Iterator[ReportLine]:
        if not batches:
            return
        by_id = {batch.settlement_id: batch for batch in batches}
        streaming = self.connection.execution_options(stream_results=True, max_row_buffer=ROWS_PER_FETCH)
        for row in streaming.exec_driver_sql(_LINES, (batches[0].due_on,)):
            yield _line(row, by_id[row[0]])

    def totals(self, due_on: date, *, merchants: Sequence[str] | None) -> list[MerchantTotals]:
        rows = self.connection.exec_driver_sql(_TOTALS, {"due_on": due_on, "merchants": as_array(merchants)})
        return merge_merchants(totals(row) for row in rows)

    def part(self, batch: Batch, *, after: UUID | None, limit: int) -> list[ReportLine]:
        values = (batch.settlement_id, after or _FIRST, batch.customer_id, limit)
        return [_line(row, batch) for row in self.connection.exec_driver_sql(_PART, values)]


def _line(row: Sequence[Any], batch: Batch) -> ReportLine:
    gross, net = row[7], row[9]
    return ReportLine(
        batch=batch,
        type=LINES_OF_PAYABLES[PayableType(row[10])],
        transaction_id=row[1],
        payable_id=row[2],
        reference=row[3],
        payment_method=row[4],
        created_at=row[5],
        installment=row[6],
        gross_debit_minor=-gross if gross < 0 else None,
        gross_credit_minor=gross if gross >= 0 else None,
        commission_minor=row[8],
        net_debit_minor=-net if gross < 0 else None,
        net_credit_minor=net if gross >= 0 else None,
    )
