"""Payables: what a merchant gets for a transaction, minus the fee, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import repeat
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from psp_core.domain.intake.transactions import INSTALLMENTS_MAX, PaymentMethod
from psp_core.domain.kernel.calendar import due_date
from psp_core.domain.kernel.money import Money
from psp_core.domain.pricing.plan_rules import PlanRule, Sale
from psp_core.domain.pricing.prices import DueInstant, Prices, ReadyTerms, RuleBook

_NO_ID = UUID(int=0)


class PayableStatus(StrEnum):
    WAITING_FUNDS = "waiting_funds"
    """Owed to the merchant, and paid on its due date."""

    PAID = "paid"


class PayableType(StrEnum):
    CREDIT = "credit"
    """Money for the merchant."""

    REFUND = "refund"
    """What is given back of a credit: its amounts are negative, or zero."""

    REFUND_REVERSAL = "refund_reversal"
    """The mirror of a refund that failed."""


@dataclass(frozen=True, slots=True)
class PayableSource:
    """The facts of a transaction that decide its payables."""

    transaction_id: UUID
    customer_id: str
    amount: Money
    payment_method: PaymentMethod
    installments: int
    created_at: datetime
    card_brand: str

    @property
    def sale(self) -> Sale:
        """Return what decides which rule prices it."""
        return Sale(self.customer_id, self.payment_method, self.card_brand, self.amount.currency, self.installments)


class Payable(NamedTuple):
    """One installment that is due to a merchant, or what comes back of it: `amount` is `fee` plus `receivable`.

    All three carry their sign: what comes back is negative. A tuple, since they are made by the million and lists hold
    many.
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
    plan_id: UUID | None = None
    """The rule that priced the transaction, and prices what becomes of it later; None before there were rules."""

    original_due_on: date | None = None
    """When it was due before it was moved; it moves once."""

    entry_id: UUID | None = None
    """The ledger's entry that booked it; None where an opening entry does."""

    source_id: UUID | None = None
    """What it comes from, as a refund; None for a credit, which comes from its transaction."""


def payables_for(
    source: PayableSource,
    *,
    terms: ReadyTerms,
    zone: ZoneInfo,
    ids: Iterator[UUID],
    now: datetime,
    entry_id: UUID | None = None,
) -> list[Payable]:
    """Return the transaction's payables under its terms: one for each installment, made `now`.

    Debit card: due at once, born paid. Credit card: due when the terms say, which for the contract's plan is 30 days
    after the transaction, and 30 more for each further installment. The fee is split like the amount.
    """
    is_debit = source.payment_method is PaymentMethod.DEBIT_CARD
    status = PayableStatus.PAID if is_debit else PayableStatus.WAITING_FUNDS
    paid_at = source.created_at if is_debit else None
    amounts = source.amount.split(source.installments)
    if is_debit:
        due = [DueInstant(due_date(source.created_at, zone), source.created_at)] * source.installments
    else:
        due = terms.due(source.created_at, source.installments)
    fees = terms.fees(source.amount, amounts)
    return [
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
            fee_bps=terms.fee_bps,
            fee=fee,
            receivable=amount - fee,
            payment_at=payment_at,
            due_on=due_on,
            paid_at=paid_at,
            settlement_id=None,
            created_at=now,
            updated_at=now,
            plan_id=terms.plan_id,
            entry_id=entry_id,
        )
        for number, (amount, fee, (due_on, payment_at)) in enumerate(zip(amounts, fees, due, strict=True), start=1)
    ]


@dataclass(frozen=True, slots=True)
class Quote:
    """What a sale would cost and when it would be paid: `rule` decides, `others` are for it as well and less specific.

    The payables are those that a drain would make, but for their ids.
    """

    at: datetime
    rule: PlanRule
    others: tuple[PlanRule, ...]
    payables: tuple[Payable, ...]


def quote(sale: Sale, *, amount: Money, book: RuleBook, at: datetime, zone: ZoneInfo) -> Quote:
    """Return what the sale would cost, by the very functions that a drain uses. Raises ValueError for no sale."""
    if not 1 <= sale.installments <= INSTALLMENTS_MAX:
        raise ValueError(f"a sale has 1 to {INSTALLMENTS_MAX} installments")
    if sale.installments > amount.minor:
        raise ValueError("each installment needs at least one minor unit of the amount")
    if sale.installments > 1 and sale.payment_method is PaymentMethod.DEBIT_CARD:
        raise ValueError("only a credit card pays in installments")
    source = PayableSource(
        _NO_ID, sale.customer_id, amount, sale.payment_method, sale.installments, at, sale.card_brand
    )
    terms = Prices(book, zone=zone).terms(sale, at=at)
    rule, *others = book.deciding(sale, at=at)
    payables = payables_for(source, terms=terms, zone=zone, ids=repeat(_NO_ID), now=at)
    return Quote(at, rule, tuple(others), tuple(payables))


@dataclass(frozen=True, slots=True)
class PayableFilter:
    """None means any. Lower bounds are inclusive, `..._before` is exclusive, `..._max` inclusive."""

    status: PayableStatus | None = None
    type: PayableType | None = None
    payment_method: PaymentMethod | None = None
    transaction_id: UUID | None = None
    source_id: UUID | None = None
    """Of a refund, or of the transaction itself."""

    reference: str | None = None
    settlement_id: UUID | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    payment_from: datetime | None = None
    payment_before: datetime | None = None
    due_on: date | None = None
    due_from: date | None = None
    due_before: date | None = None
    amount_min: int | None = None
    amount_max: int | None = None
