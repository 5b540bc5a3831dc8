"""Payables: what a merchant gets for a transaction, minus the fee, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.calendar import due_date
from psp_core.domain.kernel.money import Money
from psp_core.domain.pricing import FeePlan


class PayableStatus(StrEnum):
    WAITING_FUNDS = "waiting_funds"
    """Owed to the merchant, and paid on its due date."""

    PAID = "paid"


class PayableType(StrEnum):
    CREDIT = "credit"
    """Money for the merchant. Refunds and chargebacks will be the other types."""


@dataclass(frozen=True, slots=True)
class PayableSource:
    """The facts of a transaction that decide its payables."""

    transaction_id: UUID
    customer_id: str
    amount: Money
    payment_method: PaymentMethod
    installments: int
    created_at: datetime


class Payable(NamedTuple):
    """One installment that is due to a merchant: `amount` is `fee` plus `receivable`.

    A tuple, since they are made by the million and lists hold many.
    """

    id: UUID
    transaction_id: UUID
    customer_id: str
    type: PayableType
    status: PayableStatus
    payment_method: PaymentMethod
    installment: int
    installments: int
    amount: Money
    fee_bps: int
    fee: Money
    receivable: Money
    payment_at: datetime
    due_on: date
    paid_at: datetime | None
    settlement_id: UUID | None
    created_at: datetime
    updated_at: datetime
    entry_id: UUID | None = None
    """The ledger's entry of its capture; None where an opening entry books it."""


def payables_for(
    source: PayableSource,
    *,
    plan: FeePlan,
    zone: ZoneInfo,
    ids: Iterator[UUID],
    now: datetime,
    entry_id: UUID | None = None,
) -> list[Payable]:
    """Return the transaction's payables under its fee plan: one for each installment, made `now`.

    Debit card: due at once, born paid. Credit card: installment k is due k times the plan's delay
    after the transaction, rolled forward to an open day of `zone`. The fee is rounded down to a whole
    minor unit, so the spare part of a cent is the merchant's.
    """
    is_debit = source.payment_method is PaymentMethod.DEBIT_CARD
    fee_bps = plan.debit_fee_bps if is_debit else plan.credit_fee_bps
    status = PayableStatus.PAID if is_debit else PayableStatus.WAITING_FUNDS
    paid_at = source.created_at if is_debit else None
    payables = []
    for number, amount in enumerate(source.amount.split(source.installments), start=1):
        payment_at = source.created_at
        if not is_debit:
            delay = timedelta(days=plan.credit_delay_days * number)
            payment_at = plan.calendar.roll_forward(payment_at + delay, zone=zone)
        fee = amount.share(fee_bps)
        payables.append(
            Payable(
                id=next(ids),
                transaction_id=source.transaction_id,
                customer_id=source.customer_id,
                type=PayableType.CREDIT,
                status=status,
                payment_method=source.payment_method,
                installment=number,
                installments=source.installments,
                amount=amount,
                fee_bps=fee_bps,
                fee=fee,
                receivable=amount - fee,
                payment_at=payment_at,
                due_on=due_date(payment_at, zone),
                paid_at=paid_at,
                settlement_id=None,
                created_at=now,
                updated_at=now,
                entry_id=entry_id,
            )
        )
    return payables


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
