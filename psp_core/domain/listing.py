"""Which of a merchant's objects to list, and which slice of the list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from psp_core.domain.payables import PayableStatus
from psp_core.domain.transactions import PaymentMethod, TransactionStatus

PAGE_LIMIT_MAX = 200
PAGE_LIMIT_DEFAULT = 100
NUMBERED_ROWS_MAX = 10_000
"""How far a page's number leads: the database walks over every row before it. A cursor leads to any row at once."""


@dataclass(frozen=True, slots=True)
class Page:
    """A slice of a newest-first list: `limit` rows older than the id `after`, or skipping `offset` rows."""

    limit: int = PAGE_LIMIT_DEFAULT
    after: UUID | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class TransactionFilter:
    """None means any. Lower bounds are inclusive, `..._before` is exclusive, `..._max` inclusive."""

    status: TransactionStatus | None = None
    payment_method: PaymentMethod | None = None
    transaction_id: UUID | None = None
    reference: str | None = None
    settlement_id: UUID | None = None
    """Transactions of which this settlement paid something."""

    created_from: datetime | None = None
    created_before: datetime | None = None
    payment_from: datetime | None = None
    payment_before: datetime | None = None
    """Transactions of which a payable is due in between."""

    amount_min: int | None = None
    amount_max: int | None = None


@dataclass(frozen=True, slots=True)
class PayableFilter:
    """None means any. Lower bounds are inclusive, `..._before` is exclusive, `..._max` inclusive."""

    status: PayableStatus | None = None
    payment_method: PaymentMethod | None = None
    transaction_id: UUID | None = None
    reference: str | None = None
    settlement_id: UUID | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    payment_from: datetime | None = None
    payment_before: datetime | None = None
    amount_min: int | None = None
    amount_max: int | None = None


@dataclass(frozen=True, slots=True)
class SettlementFilter:
    """None means any; `due_from` is inclusive and `due_before` exclusive."""

    due_from: date | None = None
    due_before: date | None = None
