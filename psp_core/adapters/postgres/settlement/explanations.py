"""What explains a merchant's date, in Postgres: sums that are read from indexes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from psp_core.adapters.postgres import arrays
from psp_core.adapters.postgres.snapshots import freeze
from psp_core.domain.kernel.money import Currency
from psp_core.domain.payables import PayableType
from psp_core.domain.settlement.explanation import LinesByType, Waiting
from psp_core.domain.settlement.report import LINES_OF_PAYABLES
from psp_core.domain.settlement.settlements import Totals

_LINES = """
SELECT settlement_id, payment_method, type, count(*), sum(amount_minor)::bigint, sum(fee_minor)::bigint,
       sum(receivable_minor)::bigint
FROM payables WHERE settlement_id = ANY(%s::uuid[])
GROUP BY settlement_id, type, payment_method ORDER BY settlement_id, type, payment_method
"""

# The dates of everybody by a loose scan of the index of what is due, and of each the merchant's part of it.
_WAITING = """
WITH RECURSIVE dates AS (
    (SELECT due_on FROM payables WHERE status = 'waiting_funds' ORDER BY due_on LIMIT 1)
    UNION ALL
    SELECT (SELECT due_on FROM payables WHERE status = 'waiting_funds' AND due_on > dates.due_on
            ORDER BY due_on LIMIT 1)
    FROM dates WHERE dates.due_on IS NOT NULL
)
SELECT dates.due_on, sums.* FROM dates CROSS JOIN LATERAL (
    SELECT currency, count(*), sum(amount_minor)::bigint, sum(fee_minor)::bigint, sum(receivable_minor)::bigint
    FROM payables WHERE status = 'waiting_funds' AND due_on = dates.due_on AND customer_id = %s
    GROUP BY currency
) AS sums ORDER BY dates.due_on, currency
"""


@dataclass(frozen=True, slots=True)
class PostgresExplanations:
    connection: Connection

    def begin(self) -> None:
        # A settlement may run meanwhile: its lines, its totals and what waits must be of one moment.
        freeze(self.connection)
        # A merchant may have millions of payables.
        self.connection.exec_driver_sql("SET LOCAL statement_timeout = '5min'")

    def lines(self, settlement_ids: Sequence[UUID]) -> list[LinesByType]:
        rows = self.connection.exec_driver_sql(_LINES, (arrays.uuids(settlement_ids),))
        return [LinesByType(row[0], LINES_OF_PAYABLES[PayableType(row[2])], row[1], Totals(*row[3:7])) for row in rows]

    def waiting(self, customer_id: str) -> list[Waiting]:
        rows = self.connection.exec_driver_sql(_WAITING, (customer_id,))
        return [Waiting(row[0], Currency(row[1]), Totals(*row[2:6])) for row in rows]
