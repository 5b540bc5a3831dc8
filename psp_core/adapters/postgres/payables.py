"""Payables in Postgres."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from psp_core.adapters.postgres import arrays
from psp_core.adapters.postgres.listing import CURRENCIES, Conditions
from psp_core.domain.kernel.money import Money
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import NewPayable, Payable, PayableFilter, PayableStatus, PayableType

_COLUMNS = """id, transaction_id, customer_id, type, status, payment_method, installment, installments, currency,
 amount_minor, fee_bps, fee_minor, receivable_minor, payment_at, due_on, paid_at, settlement_id, created_at,
 updated_at"""

_ADD_MISSING = """
INSERT INTO payables (
    id, transaction_id, customer_id, payment_method, installment, installments, currency,
    amount_minor, fee_bps, fee_minor, payment_at, due_on, paid_at,
    receivable_minor, status, type, created_at, updated_at
)
SELECT new.*, amount_minor - fee_minor, CASE WHEN paid_at IS NULL THEN 'waiting_funds' ELSE 'paid' END, 'credit', %s, %s
FROM unnest(
    %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::smallint[], %s::smallint[], %s::text[],
    %s::bigint[], %s::smallint[], %s::bigint[], %s::timestamptz[], %s::date[], %s::timestamptz[]
) AS new (
    id, transaction_id, customer_id, payment_method, installment, installments, currency,
    amount_minor, fee_bps, fee_minor, payment_at, due_on, paid_at
)
ON CONFLICT ON CONSTRAINT payables_transaction_installment_key DO NOTHING
"""

_STATUSES = {each.value: each for each in PayableStatus}
_TYPES = {each.value: each for each in PayableType}


@dataclass(frozen=True, slots=True)
class PostgresPayables:
    connection: Connection

    def add_missing(self, rows: Sequence[NewPayable], *, ids: Sequence[UUID], now: datetime) -> int:
        if not rows:
            return 0
        return self.connection.exec_driver_sql(_ADD_MISSING, (now, now, *_columns(ids, rows))).rowcount

    def find(self, customer_id: str, id: UUID) -> Payable | None:
        row = self.connection.exec_driver_sql(
            f"SELECT {_COLUMNS} FROM payables WHERE id = %s AND customer_id = %s", (id, customer_id)
        ).one_or_none()
        return _payable(row) if row else None

    def page(self, customer_id: str, where: PayableFilter, page: Page) -> list[Payable]:
        conditions = Conditions(customer_id)
        conditions.equal("status", where.status)
        conditions.equal("payment_method", where.payment_method)
        conditions.equal("transaction_id", where.transaction_id)
        conditions.of_transactions(reference=where.reference)
        conditions.equal("settlement_id", where.settlement_id)
        conditions.created(where.created_from, where.created_before)
        conditions.within("payment_at", where.payment_from, where.payment_before)
        conditions.between("amount_minor", where.amount_min, where.amount_max)
        return [_payable(row) for row in conditions.newest_first(self.connection, "payables", _COLUMNS, page)]


def _columns(ids: Sequence[UUID], rows: Sequence[NewPayable]) -> Iterator[str]:
    yield arrays.uuids(ids)
    yield arrays.uuids([row.source.transaction_id for row in rows])
    yield arrays.texts([row.source.customer_id for row in rows])
    yield arrays.texts([row.source.payment_method for row in rows])
    yield arrays.numbers([row.installment for row in rows])
    yield arrays.numbers([row.source.installments for row in rows])
    yield arrays.texts([row.amount.currency for row in rows])
    yield arrays.numbers([row.amount.minor for row in rows])
    yield arrays.numbers([row.fee_bps for row in rows])
    yield arrays.numbers([row.fee.minor for row in rows])
    yield arrays.instants([row.payment_at for row in rows])
    yield arrays.dates([row.due_on for row in rows])
    yield arrays.instants([row.paid_at for row in rows])


def _payable(row: Sequence[Any]) -> Payable:
    (
        id, transaction_id, customer_id, type, status, _, installment, installments, code, amount_minor,
        fee_bps, fee_minor, receivable_minor, payment_at, due_on, paid_at, settlement_id, created_at, updated_at,
    ) = row  # fmt: skip
    currency = CURRENCIES[code]
    return Payable(
        id=id,
        transaction_id=transaction_id,
        customer_id=customer_id,
        type=_TYPES[type],
        status=_STATUSES[status],
        installment=installment,
        installments=installments,
        amount=Money(amount_minor, currency),
        fee_bps=fee_bps,
        fee=Money(fee_minor, currency),
        receivable=Money(receivable_minor, currency),
        payment_at=payment_at,
        due_on=due_on,
        paid_at=paid_at,
        settlement_id=settlement_id,
        created_at=created_at,
        updated_at=updated_at,
    )
