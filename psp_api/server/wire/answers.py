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

from psp_api.server.wire.words import (
    IN_MINOR_UNITS,
    LINE_TYPE,
    PAYABLE_TYPE,
    PENDING_PAYMENT,
    PLATFORM_ZONE,
    SETTLEMENT_STATUS,
    WAITING_FUNDS,
)
from psp_core.domain.intake.transactions import PaymentMethod, Transaction, TransactionStatus
from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.waterfall import Poured
from psp_core.domain.payables import Payable, PayableStatus, PayableType
from psp_core.domain.pricing.fee_plans import BPS_PER_PERCENT
from psp_core.domain.settlement.report import LineType, ReportLine
from psp_core.domain.settlement.settlements import Settlement, SettlementStatus

# What one commit stores shares its instants, and cards expire in few months.
_REMEMBERED = 1_024
HIDDEN_CODE: Literal["***"] = "***"
EXAMPLE_INSTANT = "2020-07-19T22:26:23.693Z"


Id = Annotated[UUID, WithJsonSchema({"type": "string", "format": "uuid"})]
Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time", "examples": [EXAMPLE_INSTANT]})]
Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
Minor = Annotated[int, Field(ge=0)]
Signed = int
Count = Annotated[int, Field(ge=1)]

Merchant = Annotated[str, Field(description="the merchant, you")]
CreatedAt = Annotated[Instant, Field(description="when it was stored, in UTC")]
UpdatedAt = Annotated[Instant, Field(description="when it was changed last, in UTC")]
CurrencyField = Annotated[Currency, Field(description="the currency of its amounts")]
Fee = Annotated[Signed, Field(description=f"what is kept of the amount, {IN_MINOR_UNITS}; below zero it comes back")]
Receivable = Annotated[
    Signed,
    Field(description=f"what you get, without the fee, {IN_MINOR_UNITS}; below zero it is taken back"),
]


class TransactionAnswer(TypedDict):
    id: Annotated[Id, Field(description="names the transaction")]
    description: Annotated[str, Field(description="as it was sent")]
    customer_id: Merchant
    amount: Annotated[Minor, Field(description=f"what the card pays, {IN_MINOR_UNITS}")]
    payment_method: Annotated[PaymentMethod, Field(description="how it is paid")]
    card_holder_name: Annotated[str, Field(description="as it was sent")]
    card_expiration_date: Annotated[
        Instant, Field(description="the first day of the month that was sent; the card is good until its last")
    ]
    card_verification_code: Annotated[Literal["***"], Field(description="never stored: always three asterisks")]
    card_last_four_numbers: Annotated[
        str, Field(pattern="^[0-9]{4}$", description="what is kept of the card number, with `card_brand`")
    ]
    updated_at: UpdatedAt
    created_at: CreatedAt
    status: Annotated[TransactionStatus, Field(description=f"{PENDING_PAYMENT}. `paid`: all its payables are")]
    currency: CurrencyField
    installments: Annotated[Count, Field(description="in how many parts it is paid: a payable each")]
    card_brand: Annotated[str, Field(description="told by how the card number begins; `unknown` where it tells none")]
    reference: Annotated[str | None, Field(description="your own reference, as it was sent")]


class PayableAnswer(TypedDict):
    id: Annotated[Id, Field(description="names the payable")]
    customer_id: Merchant
    status: Annotated[PayableStatus, Field(description=f"{WAITING_FUNDS}. `paid`: it is yours")]
    payment_date: Annotated[
        Instant, Field(description="the instant at which it is due, in UTC; it is paid when `due_on` is settled")
    ]
    fee: Annotated[int | float, Field(description="in percent: 5, or 3.49")]
    receivable_amount: Receivable
    created_at: CreatedAt
    updated_at: UpdatedAt
    transaction_id: Annotated[Id, Field(description="what it is paid for")]
    amount: Annotated[
        Signed,
        Field(description=f"its part of the transaction's amount, {IN_MINOR_UNITS}; below zero it is taken back"),
    ]
    fee_amount: Fee
    currency: CurrencyField
    installment: Annotated[Count, Field(description="which part of the transaction it is, from 1")]
    type: Annotated[PayableType, Field(description=PAYABLE_TYPE)]
    source_id: Annotated[Id, Field(description="what it comes from: the refund, or the transaction itself")]
    paid_at: Annotated[Instant | None, Field(description="when it became `paid`, in UTC; null until then")]
    settlement_id: Annotated[
        Id | None, Field(description="the settlement that it belongs to; null while there is none")
    ]
    plan_id: Annotated[Id | None, Field(description="the rule that priced it; null where it is older than the rules")]
    due_on: Annotated[
        Day,
        Field(description=f"the day of `payment_date` in {PLATFORM_ZONE}, or its rule's own: what is settled together"),
    ]


class AvailableAnswer(TypedDict):
    payables: Annotated[int, Field(ge=0, description="how many were paid at once, by debit card")]
    amount: Annotated[Minor, Field(description=f"the sum of their amounts, {IN_MINOR_UNITS}")]
    fee_amount: Fee
    receivable_amount: Annotated[Minor, Field(description=f"what they brought, {IN_MINOR_UNITS}")]


class SettlementAnswer(TypedDict):
    id: Annotated[Id, Field(description="names the settlement")]
    customer_id: Merchant
    status: Annotated[SettlementStatus, Field(description=SETTLEMENT_STATUS)]
    due_date: Annotated[
        Day, Field(description=f"what was due on this day of {PLATFORM_ZONE}: `due_on` of its payables")
    ]
    currency: CurrencyField
    sequence: Annotated[int, Field(ge=1, description="late payables of a date are paid in its next sequence")]
    payables: Annotated[int, Field(ge=0, description="how many it pays out")]
    amount: Annotated[
        Signed,
        Field(description=f"the sum of the amounts that it pays out, without those taken back, {IN_MINOR_UNITS}"),
    ]
    fee_amount: Fee
    receivable_amount: Annotated[
        Signed, Field(description=f"what it pays out, {IN_MINOR_UNITS}; below zero it takes from you")
    ]
    recovered: Annotated[Minor, Field(description=f"what of it repaid your debt, {IN_MINOR_UNITS}")]
    reserve_withheld: Annotated[Minor, Field(description=f"what of it is kept back for a time, {IN_MINOR_UNITS}")]
    to_available: Annotated[Minor, Field(description=f"what of it became available, {IN_MINOR_UNITS}")]
    from_available: Annotated[Minor, Field(description=f"what was taken of what was available, {IN_MINOR_UNITS}")]
    from_reserve: Annotated[Minor, Field(description=f"what was taken of what was kept back, {IN_MINOR_UNITS}")]
    carried: Annotated[
        Minor, Field(description=f"what nothing was there for: you owe it, {IN_MINOR_UNITS}; later credits repay it")
    ]
    created_at: CreatedAt
    closed_at: Annotated[Instant | None, Field(description="when it was complete, in UTC; null while it is open")]
    already_available: Annotated[
        AvailableAnswer,
        Field(description="what was paid at once on the day, beside what it pays out; gathered when the day is over"),
    ]


class LineAnswer(TypedDict):
    type: Annotated[LineType, Field(description=LINE_TYPE)]
    payable_id: Annotated[Id | None, Field(description="the payable; null where it balances the others")]
    transaction_id: Annotated[Id | None, Field(description="the transaction of the payable")]
    reference: Annotated[str | None, Field(description="the transaction's reference")]
    payment_method: Annotated[PaymentMethod | None, Field(description="how the transaction was paid")]
    installment: Annotated[Count | None, Field(description="which part of the transaction it is, from 1")]
    created_at: Annotated[Instant | None, Field(description="when the transaction was stored, in UTC")]
    amount: Annotated[
        Signed | None, Field(description=f"of the payable, {IN_MINOR_UNITS}; below zero it is taken back")
    ]
    fee_amount: Annotated[Signed | None, Field(description=f"of the payable, {IN_MINOR_UNITS}")]
    net_amount: Annotated[
        Signed,
        Field(description=f"credits above zero, debits below, {IN_MINOR_UNITS}: all lines add up to zero"),
    ]
    currency: CurrencyField


def line_answer(line: ReportLine) -> LineAnswer:
    has_payable = line.payable_id is not None
    return {
        "type": line.type,
        "payable_id": line.payable_id,
        "transaction_id": line.transaction_id,
        "reference": line.reference,
        "payment_method": PaymentMethod(line.payment_method) if line.payment_method else None,
        "installment": line.installment,
        "created_at": instant(line.created_at) if line.created_at else None,
        "amount": (line.gross_credit_minor or 0) - (line.gross_debit_minor or 0) if has_payable else None,
        "fee_amount": line.commission_minor,
        "net_amount": (line.net_credit_minor or 0) - (line.net_debit_minor or 0),
        "currency": line.batch.currency,
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
        "source_id": row.source_id or row.transaction_id,
        "paid_at": instant(row.paid_at) if row.paid_at else None,
        "settlement_id": row.settlement_id,
        "plan_id": row.plan_id,
        "due_on": day(row.due_on),
    }


def settlement_answer(row: Settlement) -> SettlementAnswer:
    # All zeros while it is open: nothing was poured yet.
    poured = row.poured or Poured()
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "status": row.status,
        "due_date": day(row.due_on),
        "currency": row.currency,
        "sequence": row.sequence,
        "payables": row.totals.count,
        "amount": row.totals.gross_minor,
        "fee_amount": row.totals.fee_minor,
        "receivable_amount": row.totals.net_minor,
        "recovered": poured.recovered_minor,
        "reserve_withheld": poured.reserve_withheld_minor,
        "to_available": poured.to_available_minor,
        "from_available": poured.from_available_minor,
        "from_reserve": poured.from_reserve_minor,
        "carried": poured.carried_minor,
        "created_at": instant(row.created_at),
        "closed_at": instant(row.closed_at) if row.closed_at else None,
        "already_available": {
            "payables": row.available.count,
            "amount": row.available.gross_minor,
            "fee_amount": row.available.fee_minor,
            "receivable_amount": row.available.net_minor,
        },
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
def day(date: date) -> str:
    return date.isoformat()


@lru_cache(_REMEMBERED)
def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00.000Z"
