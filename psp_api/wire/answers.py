"""Objects as merchants see them: the fixed fields first, then what was added. Typed, so that none is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, TypedDict

import orjson

from psp_core.domain.fees import BPS_PER_PERCENT
from psp_core.domain.payables import Payable
from psp_core.domain.settlement import Settlement
from psp_core.domain.transactions import Transaction

HIDDEN_CODE: Literal["***"] = "***"


class TransactionAnswer(TypedDict):
    id: str
    description: str
    customer_id: str
    amount: int
    payment_method: str
    card_holder_name: str
    card_expiration_date: str
    card_verification_code: Literal["***"]
    card_last_four_numbers: str
    updated_at: str
    created_at: str
    status: str
    currency: str
    installments: int
    card_brand: str
    reference: str | None


class PayableAnswer(TypedDict):
    id: str
    customer_id: str
    status: str
    payment_date: str
    fee: int | float
    receivable_amount: int
    created_at: str
    updated_at: str
    transaction_id: str
    amount: int
    fee_amount: int
    currency: str
    installment: int
    type: str
    paid_at: str | None
    settlement_id: str | None


class SettlementAnswer(TypedDict):
    id: str
    customer_id: str
    status: str
    due_date: str
    currency: str
    sequence: int
    payables: int
    amount: int
    fee_amount: int
    receivable_amount: int
    created_at: str
    closed_at: str | None


def transaction_answer(row: Transaction) -> TransactionAnswer:
    return {
        "id": str(row.id),
        "description": row.description,
        "customer_id": row.customer_id,
        "amount": row.amount.minor,
        "payment_method": row.payment_method.value,
        "card_holder_name": row.card_holder_name,
        "card_expiration_date": _midnight(row.card_expires_on),
        "card_verification_code": HIDDEN_CODE,
        "card_last_four_numbers": row.card_last_four,
        "updated_at": instant(row.updated_at),
        "created_at": instant(row.created_at),
        "status": row.status.value,
        "currency": row.amount.currency.value,
        "installments": row.installments,
        "card_brand": row.card_brand,
        "reference": row.reference,
    }


def payable_answer(row: Payable) -> PayableAnswer:
    return {
        "id": str(row.id),
        "customer_id": row.customer_id,
        "status": row.status.value,
        "payment_date": instant(row.payment_at),
        "fee": percent(row.fee_bps),
        "receivable_amount": row.receivable.minor,
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
        "transaction_id": str(row.transaction_id),
        "amount": row.amount.minor,
        "fee_amount": row.fee.minor,
        "currency": row.amount.currency.value,
        "installment": row.installment,
        "type": row.type.value,
        "paid_at": instant(row.paid_at) if row.paid_at else None,
        "settlement_id": str(row.settlement_id) if row.settlement_id else None,
    }


def settlement_answer(row: Settlement) -> SettlementAnswer:
    return {
        "id": str(row.id),
        "customer_id": row.customer_id,
        "status": row.status.value,
        "due_date": row.due_on.isoformat(),
        "currency": row.currency.value,
        "sequence": row.sequence,
        "payables": row.totals.count,
        "amount": row.totals.gross_minor,
        "fee_amount": row.totals.fee_minor,
        "receivable_amount": row.totals.net_minor,
        "created_at": instant(row.created_at),
        "closed_at": instant(row.closed_at) if row.closed_at else None,
    }


def one_transaction(rows: Sequence[Transaction]) -> bytes:
    """Return the body that answers a POST of a single transaction."""
    return orjson.dumps(transaction_answer(rows[0]))


def many_transactions(rows: Sequence[Transaction]) -> bytes:
    """Return the body that answers a POST of a batch."""
    return orjson.dumps([transaction_answer(row) for row in rows])


def instant(at: datetime) -> str:
    """Return a UTC instant as `2020-07-19T22:26:23.693Z`."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def percent(bps: int) -> int | float:
    """Return basis points as percent: 500 is 5, and 349 is 3.49."""
    return bps // BPS_PER_PERCENT if bps % BPS_PER_PERCENT == 0 else bps / BPS_PER_PERCENT


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00.000Z"
