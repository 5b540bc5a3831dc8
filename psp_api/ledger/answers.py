"""A balance, and what it is made of, as merchants see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from psp_api.server.wire.answers import (
    CreatedAt,
    CurrencyField,
    Day,
    Fee,
    Id,
    Merchant,
    Minor,
    Receivable,
    Signed,
    instant,
)
from psp_api.server.wire.words import IN_MINOR_UNITS, PAYABLE_TYPE, PLATFORM_ZONE, WAITING_FUNDS
from psp_core.domain.ledger.balances import Balance
from psp_core.domain.payables import Payable, PayableStatus, PayableType


class CurrencyBalance(TypedDict):
    currency: CurrencyField
    pending: Annotated[Signed, Field(description=f"what is paid to you on later due dates, {IN_MINOR_UNITS}")]
    settling: Annotated[Signed, Field(description=f"being paid by a settlement that is still open, {IN_MINOR_UNITS}")]
    available: Annotated[
        Minor, Field(description=f"what is yours: paid at once, or by a settlement that is closed, {IN_MINOR_UNITS}")
    ]
    payoutable: Annotated[Minor, Field(description="what a payout may take: nothing is paid out yet, so 0")]
    reserved: Annotated[Minor, Field(description=f"kept back of settlements for a time, {IN_MINOR_UNITS}")]
    in_transit: Annotated[Minor, Field(description="on its way to your bank: nothing is yet, so 0")]
    debt: Annotated[Minor, Field(description=f"what you owe: repaid by what becomes available next, {IN_MINOR_UNITS}")]


class BalanceAnswer(TypedDict):
    customer_id: Merchant
    time_zone: Annotated[str, Field(description=f"{PLATFORM_ZONE}: due dates are days in it")]
    balances: Annotated[list[CurrencyBalance], Field(description="one for each currency that ever had a payable")]


class BalanceTransactionAnswer(TypedDict):
    id: Annotated[Id, Field(description="the payable's id")]
    customer_id: Merchant
    type: Annotated[PayableType, Field(description=PAYABLE_TYPE)]
    amount: Annotated[Signed, Field(description=f"the payable's amount, {IN_MINOR_UNITS}")]
    fee_amount: Fee
    net_amount: Receivable
    currency: CurrencyField
    status: Annotated[PayableStatus, Field(description=f"{WAITING_FUNDS}. `paid`: it is yours")]
    available_on: Annotated[Day, Field(description=f"the due date: a day of {PLATFORM_ZONE}")]
    source_type: Annotated[
        Literal["transaction", "refund"], Field(description="what it comes from: a `transaction` or a `refund`")
    ]
    source_id: Annotated[Id, Field(description="the id of what it comes from")]
    settlement_id: Annotated[
        Id | None, Field(description="the settlement that it belongs to; null while there is none")
    ]
    created_at: CreatedAt


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
        "source_type": "transaction" if row.source_id is None else "refund",
        "source_id": row.source_id or row.transaction_id,
        "settlement_id": row.settlement_id,
        "created_at": instant(row.created_at),
    }
