"""Objects as merchants see them: the fixed fields first, then what was added. Typed, so that none is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Literal
from uuid import UUID

import orjson
from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from psp_core.domain.intake.transactions import PaymentMethod, Transaction, TransactionStatus
from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.balances import Balance
from psp_core.domain.payables import Payable, PayableStatus, PayableType
from psp_core.domain.pricing import BPS_PER_PERCENT
from psp_core.domain.settlement.settlements import Settlement, SettlementStatus

# What one commit stores shares its instants, and cards expire in few months.
_REMEMBERED = 1_024
HIDDEN_CODE: Literal["***"] = "***"
EXAMPLE_INSTANT = "2020-07-19T22:26:23.693Z"


Id = Annotated[UUID, WithJsonSchema({"type": "string", "format": "uuid"})]
Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time", "examples": [EXAMPLE_INSTANT]})]
Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
Minor = Annotated[int, Field(ge=0, description="in minor units: 2500 is 25.00")]
Signed = Annotated[int, Field(description="in minor units: 2500 is 25.00")]
Count = Annotated[int, Field(ge=1)]


class TransactionAnswer(TypedDict):
    id: Id
    description: str
    customer_id: str
    amount: Minor
    payment_method: PaymentMethod
    card_holder_name: str
    card_expiration_date: Annotated[Instant, Field(description="the first day of the month")]
    card_verification_code: Literal["***"]
    card_last_four_numbers: Annotated[str, Field(pattern="^[0-9]{4}$")]
    updated_at: Instant
    created_at: Instant
    status: TransactionStatus
    currency: Currency
    installments: Count
    card_brand: str
    reference: str | None


class PayableAnswer(TypedDict):
    id: Id
    customer_id: str
    status: PayableStatus
    payment_date: Instant
    fee: Annotated[int | float, Field(description="in percent")]
    receivable_amount: Minor
    created_at: Instant
    updated_at: Instant
    transaction_id: Id
    amount: Minor
    fee_amount: Minor
    currency: Currency
    installment: Count
    type: PayableType
    paid_at: Instant | None
    settlement_id: Id | None


class SettlementAnswer(TypedDict):
    id: Id
    customer_id: str
    status: SettlementStatus
    due_date: Day
    currency: Currency
    sequence: Annotated[int, Field(ge=1, description="late payables of a date are paid in its next sequence")]
    payables: Count
    amount: Minor
    fee_amount: Minor
    receivable_amount: Minor
    created_at: Instant
    closed_at: Instant | None


class CurrencyBalance(TypedDict):
    currency: Currency
    pending: Annotated[Signed, Field(description="paid on later due dates")]
    settling: Annotated[Signed, Field(description="being paid by a settlement that is still open")]
    available: Minor
    payoutable: Annotated[Minor, Field(description="what a payout may take")]
    reserved: Minor
    in_transit: Annotated[Minor, Field(description="on its way to the bank")]
    debt: Annotated[Minor, Field(description="what is owed to the platform")]


class BalanceAnswer(TypedDict):
    customer_id: str
    time_zone: Annotated[str, Field(description="whose calendar days the due dates are")]
    balances: Annotated[list[CurrencyBalance], Field(description="one for each currency that ever had a payable")]


class BalanceTransactionAnswer(TypedDict):
    id: Id
    customer_id: str
    type: PayableType
    amount: Minor
    fee_amount: Minor
    net_amount: Minor
    currency: Currency
    status: PayableStatus
    available_on: Annotated[Day, Field(description="the due date")]
    source_type: Literal["transaction"]
    source_id: Id
    settlement_id: Id | None
    created_at: Instant


def balance_answer(customer_id: str, balances: Sequence[Balance], *, time_zone: str) -> BalanceAnswer:
    return {
        "customer_id": customer_id,
        "time_zone": time_zone,
        "balances": [
            {
                "currency": balance.currency,
                "pending": balance.pending_minor,
                "settling": balance.settling_minor,
                "available": balance.available_minor,
                # Nothing is paid out yet.
                "payoutable": 0,
                "reserved": balance.reserve_minor,
                "in_transit": balance.in_transit_minor,
                "debt": balance.debt_minor,
            }
            for balance in balances
        ],
    }


def balance_transaction_answer(row: Payable) -> BalanceTransactionAnswer:
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "type": row.type,
        "amount": row.amount.minor,
        "fee_amount": row.fee.minor,
        "net_amount": row.receivable.minor,
        "currency": row.amount.currency,
        "status": row.status,
        "available_on": row.due_on.isoformat(),
        "source_type": "transaction",
        "source_id": row.transaction_id,
        "settlement_id": row.settlement_id,
        "created_at": instant(row.created_at),
    }


def transaction_answer(row: Transaction) -> TransactionAnswer:
    return {
        "id": row.id,
        "description": row.description,
        "customer_id": row.customer_id,
        "amount": row.amount.minor,
        "payment_method": row.payment_method,
        "card_holder_name": row.card_holder_name,
        "card_expiration_date": _midnight(row.card_expires_on),
        "card_verification_code": HIDDEN_CODE,
        "card_last_four_numbers": row.card_last_four,
        "updated_at": instant(row.updated_at),
        "created_at": instant(row.created_at),
        "status": row.status,
        "currency": row.amount.currency,
        "installments": row.installments,
        "card_brand": row.card_brand,
        "reference": row.reference,
    }


def payable_answer(row: Payable) -> PayableAnswer:
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "status": row.status,
        "payment_date": instant(row.payment_at),
        "fee": percent(row.fee_bps),
        "receivable_amount": row.receivable.minor,
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
        "transaction_id": row.transaction_id,
        "amount": row.amount.minor,
        "fee_amount": row.fee.minor,
        "currency": row.amount.currency,
        "installment": row.installment,
        "type": row.type,
        "paid_at": instant(row.paid_at) if row.paid_at else None,
        "settlement_id": row.settlement_id,
    }


def settlement_answer(row: Settlement) -> SettlementAnswer:
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "status": row.status,
        "due_date": row.due_on.isoformat(),
        "currency": row.currency,
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


@lru_cache(_REMEMBERED)
def instant(at: datetime) -> str:
    """Return a UTC instant as `2020-07-19T22:26:23.693Z`."""
    # Cut to milliseconds here, because orjson writes an instant several times as fast as isoformat().
    text = orjson.dumps(at, option=orjson.OPT_UTC_Z).decode()
    return f"{text[1:24]}Z" if at.microsecond else f"{text[1:20]}.000Z"


def percent(bps: int) -> int | float:
    """Return basis points as percent: 500 is 5, and 349 is 3.49."""
    return bps // BPS_PER_PERCENT if bps % BPS_PER_PERCENT == 0 else bps / BPS_PER_PERCENT


@lru_cache(_REMEMBERED)
def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00.000Z"
