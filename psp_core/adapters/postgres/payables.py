"""Payables in Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from psp_core.adapters.postgres.columns import Amount, Member, Record
from psp_core.adapters.postgres.listing import Conditions
from psp_core.adapters.postgres.schema import tables
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.paging import Page
from psp_core.domain.ledger.journal import Captured
from psp_core.domain.payables import Payable, PayableFilter, PayableStatus, PayableType

PAYABLES = Record(
    Payable,
    tables.payables,
    {
        "type": Member("type", PayableType),
        "status": Member("status", PayableStatus),
        "payment_method": Member("payment_method", PaymentMethod),
        "amount": Amount("amount_minor", with_currency=True),
        "fee": Amount("fee_minor"),
        "receivable": Amount("receivable_minor"),
    },
)

_FIND = f"SELECT {PAYABLES.names} FROM payables WHERE id = %s AND customer_id = %s"

_OF_TRANSACTION = f"SELECT {PAYABLES.names} FROM payables WHERE transaction_id = %s AND customer_id = %s ORDER BY id"

_ADD = f"INSERT INTO payables ({PAYABLES.names}) SELECT {PAYABLES.names} FROM {PAYABLES.unnest}"

# The sums are of what was really inserted: only that is posted.
_ADD_MISSING = f"""
WITH made AS (
    INSERT INTO payables ({PAYABLES.names}) SELECT {PAYABLES.names} FROM {PAYABLES.unnest}
    ON CONFLICT ON CONSTRAINT payables_transaction_installment_key DO NOTHING
    RETURNING entry_id, customer_id, status, fee_minor, receivable_minor
)
SELECT entry_id::text, customer_id, status = 'paid', count(*), sum(fee_minor)::bigint, sum(receivable_minor)::bigint
FROM made GROUP BY entry_id, customer_id, status = 'paid' ORDER BY entry_id, customer_id COLLATE "C"
"""


@dataclass(frozen=True, slots=True)
class PostgresPayables:
    connection: Connection

    def add_missing(self, rows: Sequence[Payable]) -> list[Captured]:
        if not rows:
            return []
        made = self.connection.exec_driver_sql(_ADD_MISSING, tuple(PAYABLES.literals(rows)))
        # As text, and so found: of all merchants' rows few entries are named, and the driver would make each one anew.
        entries: dict[str | None, Any] = {None if id is None else str(id): id for id in {row.entry_id for row in rows}}
        return [Captured(entries[entry_id], *row) for entry_id, *row in made]

    def add(self, rows: Sequence[Payable]) -> None:
        self.connection.exec_driver_sql(_ADD, tuple(PAYABLES.literals(rows)))

    def of_transaction(self, customer_id: str, transaction_id: UUID) -> list[Payable]:
        return PAYABLES.read(self.connection.exec_driver_sql(_OF_TRANSACTION, (transaction_id, customer_id)).all())

    def find(self, customer_id: str, id: UUID) -> Payable | None:
        rows = self.connection.exec_driver_sql(_FIND, (id, customer_id)).all()
        return next(iter(PAYABLES.read(rows)), None)

    def page(self, customer_id: str, where: PayableFilter, page: Page) -> list[Payable]:
        conditions = Conditions(customer_id)
        conditions.equal("status", where.status)
        conditions.equal("type", where.type)
        if where.type not in (None, PayableType.CREDIT):
            # By which they are found among the many credits.
            conditions.add("source_id IS NOT NULL")
        conditions.equal("payment_method", where.payment_method)
        conditions.equal("transaction_id", where.transaction_id)
        conditions.from_source(where.source_id)
        conditions.of_transactions(reference=where.reference)
        conditions.equal("settlement_id", where.settlement_id)
        conditions.created(where.created_from, where.created_before)
        conditions.within("payment_at", where.payment_from, where.payment_before)
        conditions.due(where.due_on, start=where.due_from, end=where.due_before)
        conditions.between("amount_minor", where.amount_min, where.amount_max)
        return PAYABLES.read(conditions.newest_first(self.connection, "payables", PAYABLES.names, page))
