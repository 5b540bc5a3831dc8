"""Transactions in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from sqlalchemy import Connection

from psp_core.adapters.postgres import arrays
from psp_core.adapters.postgres.columns import Amount, Member, Plain, Record
from psp_core.adapters.postgres.listing import Conditions
from psp_core.adapters.postgres.schema import tables
from psp_core.domain.intake.transactions import PaymentMethod, Transaction, TransactionFilter, TransactionStatus
from psp_core.domain.kernel.ids import first_id_at
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import PayableSource

TRANSACTIONS = Record(
    Transaction,
    tables.transactions,
    {
        "status": Member("status", TransactionStatus),
        "payment_method": Member("payment_method", PaymentMethod),
        "amount": Amount("amount_minor", with_currency=True),
    },
)

_SOURCE = Record(
    PayableSource,
    tables.transactions,
    {
        "transaction_id": Plain("id"),
        "payment_method": Member("payment_method", PaymentMethod),
        "amount": Amount("amount_minor", with_currency=True),
    },
    only_reads=True,
)

_FIND = f"SELECT {TRANSACTIONS.names} FROM transactions WHERE id = %s AND customer_id = %s"

# The id as text: made into an object by the driver, it would cost a tenth of a drain.
_SOURCES = f"""
SELECT {", ".join("id::text" if name == "id" else name for name in _SOURCE.columns)}
FROM transactions WHERE id = ANY(%s::uuid[]) ORDER BY transactions.id
"""

_WITHOUT_PAYABLES = """
SELECT id FROM transactions
WHERE id >= %s AND id < %s
  AND NOT EXISTS (SELECT FROM payables WHERE payables.transaction_id = transactions.id)
ORDER BY id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class PostgresTransactions:
    connection: Connection

    def find(self, customer_id: str, id: UUID) -> Transaction | None:
        rows = self.connection.exec_driver_sql(_FIND, (id, customer_id)).all()
        return next(iter(TRANSACTIONS.read(rows)), None)

    def page(self, customer_id: str, where: TransactionFilter, page: Page) -> list[Transaction]:
        conditions = Conditions(customer_id)
        conditions.equal("status", where.status)
        conditions.equal("payment_method", where.payment_method)
        conditions.equal("id", where.transaction_id)
        conditions.equal("reference", where.reference)
        conditions.with_a_payable(
            settlement_id=where.settlement_id, due_from=where.payment_from, due_before=where.payment_before
        )
        conditions.created(where.created_from, where.created_before)
        conditions.between("amount_minor", where.amount_min, where.amount_max)
        return TRANSACTIONS.read(conditions.newest_first(self.connection, "transactions", TRANSACTIONS.names, page))

    def sources(self, ids: Sequence[UUID]) -> list[PayableSource]:
        rows = self.connection.exec_driver_sql(_SOURCES, (arrays.uuids(ids),)).all()
        # Both are in the order of their bytes.
        found = sorted(set(ids), key=attrgetter("int"))
        if len(rows) < len(found):
            found = [UUID(row.id) for row in rows]
        return _SOURCE.read(rows, known={"id": found})

    def without_payables(self, *, created_from: datetime, created_before: datetime, limit: int) -> list[UUID]:
        rows = self.connection.exec_driver_sql(
            _WITHOUT_PAYABLES, (first_id_at(created_from), first_id_at(created_before), limit)
        )
        return list(rows.scalars())
