"""Refunds as merchants see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import orjson
from pydantic import Field
from typing_extensions import TypedDict

from psp_api.server.wire.answers import (
    CreatedAt,
    CurrencyField,
    Id,
    Merchant,
    Minor,
    PayableAnswer,
    UpdatedAt,
    instant,
    payable_answer,
)
from psp_api.server.wire.words import IN_MINOR_UNITS, REFUND_STATUS
from psp_core.domain.payables import Payable
from psp_core.domain.refunds import Refund, RefundStatus


class RefundAnswer(TypedDict):
    id: Annotated[Id, Field(description="names the refund, and is the `source_id` of its payables")]
    transaction_id: Annotated[Id, Field(description="what it gives back")]
    customer_id: Merchant
    status: Annotated[RefundStatus, Field(description=REFUND_STATUS)]
    amount: Annotated[Minor, Field(description=f"what the cardholder gets back, {IN_MINOR_UNITS}")]
    fee_returned: Annotated[Minor, Field(description=f"what of the fee comes back to you, {IN_MINOR_UNITS}")]
    currency: CurrencyField
    reason: Annotated[str | None, Field(description="as it was sent")]
    reference: Annotated[str | None, Field(description="your own reference, as it was sent")]
    failure_reason: Annotated[str | None, Field(description="why it failed; null unless it did")]
    created_at: CreatedAt
    updated_at: UpdatedAt


class CreatedRefundAnswer(RefundAnswer):
    payables: Annotated[list[PayableAnswer], Field(description="what it takes from you, and when: below zero")]


def refund_answer(row: Refund) -> RefundAnswer:
    return {
        "id": row.id,
        "transaction_id": row.transaction_id,
        "customer_id": row.customer_id,
        "status": row.status,
        "amount": row.amount.minor,
        "fee_returned": row.fee_returned.minor,
        "currency": row.amount.currency,
        "reason": row.reason,
        "reference": row.reference,
        "failure_reason": row.failure_reason,
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
    }


def created_refund(row: Refund, payables: Sequence[Payable]) -> bytes:
    """Return the body that answers a POST of a refund."""
    return orjson.dumps({**refund_answer(row), "payables": [payable_answer(each) for each in payables]})
