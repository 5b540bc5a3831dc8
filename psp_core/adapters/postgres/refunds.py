"""Refunds in Postgres: the row of what came back of a transaction is what refunds of it wait for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from psp_core.adapters.postgres.columns import Amount, Member, Record
from psp_core.adapters.postgres.listing import Conditions
from psp_core.adapters.postgres.schema import tables
from psp_core.domain.kernel.errors import RefundExceedsCaptured
from psp_core.domain.kernel.paging import Page
from psp_core.domain.refunds import Refund, RefundFilter, RefundStatus, Returned

REFUNDS = Record(
    Refund,
    tables.refunds,
    {
        "status": Member("status", RefundStatus),
        "amount": Amount("amount_minor", with_currency=True),
        "fee_returned": Amount("fee_returned_minor"),
    },
)

# Each with a snapshot of its own: the second sees what the commit before has left.
_HOLD = """
INSERT INTO returned_amounts (transaction_id, customer_id, captured_minor, refunded_minor)
SELECT id, customer_id, amount_minor, 0 FROM transactions WHERE id = %(id)s AND customer_id = %(customer_id)s
ON CONFLICT DO NOTHING;
SELECT captured_minor, refunded_minor FROM returned_amounts
WHERE transaction_id = %(id)s AND customer_id = %(customer_id)s FOR NO KEY UPDATE
"""

_CHANGE = """
UPDATE returned_amounts SET refunded_minor = refunded_minor + %s WHERE transaction_id = %s AND customer_id = %s
"""

_ADD = f"INSERT INTO refunds ({REFUNDS.names}) SELECT {REFUNDS.names} FROM {REFUNDS.unnest}"

_FIND = f"SELECT {REFUNDS.names} FROM refunds WHERE id = %s AND customer_id = %s"
_OF_ANYBODY = f"SELECT {REFUNDS.names} FROM refunds WHERE id = %s"

_FAIL = """
UPDATE refunds SET status = 'failed', failure_reason = %s, failed_entry_id = %s, updated_at = %s
WHERE id = %s AND status <> 'failed'
"""


@dataclass(frozen=True, slots=True)
class PostgresRefunds:
    connection: Connection

    def hold_transaction(self, customer_id: str, transaction_id: UUID) -> Returned | None:
        row = self.connection.exec_driver_sql(_HOLD, {"id": transaction_id, "customer_id": customer_id}).one_or_none()
        return Returned(row[0], row[1]) if row else None

    def add(self, refund: Refund) -> None:
        self._change(refund, refund.amount.minor)
        self.connection.exec_driver_sql(_ADD, tuple(REFUNDS.literals([refund])))

    def fail(self, refund: Refund, *, reason: str, entry_id: UUID, now: datetime) -> bool:
        values = (reason, entry_id, now, refund.id)
        if self.connection.exec_driver_sql(_FAIL, values).rowcount == 0:
            return False
        self._change(refund, -refund.amount.minor)
        return True

    def find(self, customer_id: str, id: UUID) -> Refund | None:
        rows = self.connection.exec_driver_sql(_FIND, (id, customer_id)).all()
        return next(iter(REFUNDS.read(rows)), None)

    def find_anybodys(self, id: UUID) -> Refund | None:
        return next(iter(REFUNDS.read(self.connection.exec_driver_sql(_OF_ANYBODY, (id,)).all())), None)

    def page(self, customer_id: str, where: RefundFilter, page: Page) -> list[Refund]:
        conditions = Conditions(customer_id)
        conditions.equal("status", where.status)
        conditions.equal("transaction_id", where.transaction_id)
        conditions.equal("reference", where.reference)
        conditions.created(where.created_from, where.created_before)
        return REFUNDS.read(conditions.newest_first(self.connection, "refunds", REFUNDS.names, page))

    def _change(self, refund: Refund, by_minor: int) -> None:
        try:
            self.connection.exec_driver_sql(_CHANGE, (by_minor, refund.transaction_id, refund.customer_id))
        except IntegrityError as error:
            if error.orig.diag.constraint_name != "returned_amounts_refunded_check":  # type: ignore[union-attr]
                raise
            raise RefundExceedsCaptured("more than is left of what was captured; nothing was refunded") from error
