"""Builders: one keyword for each detail that matters to a test; the rest is ordinary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

from psp_core.domain.intake.idempotency import IdempotencyKey
from psp_core.domain.intake.transactions import NewTransaction, PaymentMethod, Transaction
from psp_core.domain.kernel.money import Currency, Money
from psp_core.domain.payables import PayableSource
from psp_core.domain.pricing.plan_rules import CONTRACT, PlanRule, Scope
from psp_core.domain.pricing.terms import Fee, Schedule
from psp_core.usecases.intake.accept_transactions import Submission

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
EVERY_SALE, FIVE_PERCENT = Scope(), Fee(500)


class SettableClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.instant = now

    def now(self) -> datetime:
        return self.instant

    def advance(self, *, days: float = 0, minutes: float = 0) -> None:
        self.instant += timedelta(days=days, minutes=minutes)


def a_new_transaction(
    *,
    customer_id: str = "merchant-1",
    amount_minor: int = 2_500,
    currency: Currency = Currency.BRL,
    payment_method: PaymentMethod = PaymentMethod.CREDIT_CARD,
    installments: int = 1,
    description: str = "Lightsaber",
    reference: str | None = None,
) -> NewTransaction:
    return NewTransaction(
        customer_id=customer_id,
        description=description,
        amount=Money(amount_minor, currency),
        payment_method=payment_method,
        card_holder_name="Luke Skywalker",
        card_expires_on=date(2025, 10, 1),
        card_last_four="1111",
        card_brand="visa",
        installments=installments,
        reference=reference,
    )


def a_source(
    *,
    amount_minor: int = 2_500,
    payment_method: PaymentMethod = PaymentMethod.CREDIT_CARD,
    installments: int = 1,
    created_at: datetime = NOON,
    card_brand: str = "visa",
) -> PayableSource:
    return PayableSource(
        transaction_id=UUID(int=1),
        customer_id="merchant-1",
        amount=Money(amount_minor, Currency.BRL),
        payment_method=payment_method,
        installments=installments,
        created_at=created_at,
        card_brand=card_brand,
    )


def a_rule(
    *,
    scope: Scope = EVERY_SALE,
    fee: Fee = FIVE_PERCENT,
    schedule: Schedule = CONTRACT[PaymentMethod.CREDIT_CARD].schedule,
    begins_at: datetime = NOON - timedelta(days=100),
    ends_at: datetime | None = None,
    id: UUID | None = None,
) -> PlanRule:
    return PlanRule(id or uuid4(), scope, fee, schedule, begins_at, ends_at, begins_at, "a test")


def a_submission(*transactions: NewTransaction, key: str | None = None, request: bytes = b"request") -> Submission:
    """One request of one merchant; its answer is the ids of what it stored, one in a line."""
    rows = transactions or (a_new_transaction(),)
    return Submission(
        transactions=rows,
        render=_ids,
        key=IdempotencyKey(rows[0].customer_id, key, b"\x02" + request) if key else None,
    )


def _ids(rows: Sequence[Transaction]) -> bytes:
    return b"\n".join(str(row.id).encode() for row in rows)
