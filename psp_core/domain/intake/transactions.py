"""Card transactions as merchants send them and as the platform keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from psp_core.domain.kernel.money import Money

INSTALLMENTS_MAX = 24


class PaymentMethod(StrEnum):
    CREDIT_CARD = "credit_card"
    DEBIT_CARD = "debit_card"


class TransactionStatus(StrEnum):
    PENDING_PAYMENT = "pending_payment"
    """At least one of its payables is not paid yet."""

    PAID = "paid"
    """The merchant has been paid for all of it."""


class NewTransaction(NamedTuple):
    """What a merchant asks for, without anything that must not be kept. A tuple, since a batch holds many.

    The card number is already reduced to its brand and last four digits, and the verification
    code is gone: PCI DSS 3.3.1 forbids keeping it after the check.
    """

    customer_id: str
    description: str
    amount: Money
    payment_method: PaymentMethod
    card_holder_name: str
    card_expires_on: date
    card_last_four: str
    card_brand: str
    installments: int = 1
    reference: str | None = None

    @property
    def first_status(self) -> TransactionStatus:
        """A debit card pays at once; a credit card's payables wait for their due date."""
        is_debit = self.payment_method is PaymentMethod.DEBIT_CARD
        return TransactionStatus.PAID if is_debit else TransactionStatus.PENDING_PAYMENT

    def accepted(self, *, id: UUID, at: datetime) -> Transaction:
        """Return the transaction that it becomes when it is accepted at that instant."""
        return Transaction(
            id=id,
            status=self.first_status,
            created_at=at,
            updated_at=at,
            customer_id=self.customer_id,
            description=self.description,
            amount=self.amount,
            payment_method=self.payment_method,
            card_holder_name=self.card_holder_name,
            card_expires_on=self.card_expires_on,
            card_last_four=self.card_last_four,
            card_brand=self.card_brand,
            installments=self.installments,
            reference=self.reference,
        )


class Transaction(NamedTuple):
    """A stored card transaction: what was asked for, after what the platform adds."""

    id: UUID
    status: TransactionStatus
    created_at: datetime
    updated_at: datetime
    customer_id: str
    description: str
    amount: Money
    payment_method: PaymentMethod
    card_holder_name: str
    card_expires_on: date
    card_last_four: str
    card_brand: str
    installments: int
    reference: str | None


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
