"""Plan rules: which terms are for which sales, from when to when. Rows are only ever added, and ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

from psp_core.domain.intake.transactions import INSTALLMENTS_MAX, PaymentMethod
from psp_core.domain.kernel.money import Currency
from psp_core.domain.pricing.fee_plans import DEFAULT_FEE_PLAN
from psp_core.domain.pricing.terms import Fee, PaidFrom, Schedule, Unit

Rank: TypeAlias = tuple[bool, bool, bool, bool, bool]


class Sale(NamedTuple):
    """What decides which rule prices a transaction, but for its instant."""

    customer_id: str
    payment_method: PaymentMethod
    card_brand: str
    currency: Currency
    installments: int


class InstallmentRange(NamedTuple):
    """From `least` to `most` installments, both inclusive."""

    least: int
    most: int

    def __str__(self) -> str:
        return str(self.least) if self.least == self.most else f"{self.least}-{self.most}"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which sales a rule is for; None is any."""

    customer_id: str | None = None
    payment_method: PaymentMethod | None = None
    card_brand: str | None = None
    installments: InstallmentRange | None = None
    currency: Currency | None = None

    def __post_init__(self) -> None:
        """Refuse a range that no sale is in: raises ValueError."""
        if self.installments and not 1 <= self.installments.least <= self.installments.most <= INSTALLMENTS_MAX:
            raise ValueError(f"installments are 1 to {INSTALLMENTS_MAX}, the smaller number first")

    @property
    def rank(self) -> Rank:
        """Of the scopes that a sale is in, the greatest wins: merchant, method, brand, installments, currency."""
        return (
            self.customer_id is not None,
            self.payment_method is not None,
            self.card_brand is not None,
            self.installments is not None,
            self.currency is not None,
        )

    def covers(self, sale: Sale) -> bool:
        """Tell whether the sale is in it."""
        return (
            self.customer_id in (None, sale.customer_id)
            and self.payment_method in (None, sale.payment_method)
            and self.card_brand in (None, sale.card_brand)
            and self.currency in (None, sale.currency)
            and (self.installments is None or self.installments.least <= sale.installments <= self.installments.most)
        )

    def rivals(self, other: Scope) -> bool:
        """Tell whether some sale would be in both with neither more specific: two such rules are never in force."""
        mine, theirs = self.installments, other.installments
        return (
            (self.customer_id, self.payment_method, self.card_brand, self.currency)
            == (other.customer_id, other.payment_method, other.card_brand, other.currency)
            and (mine is None) == (theirs is None)
            and (mine is None or theirs is None or (mine.least <= theirs.most and theirs.least <= mine.most))
        )

    def __str__(self) -> str:
        parts = [
            f"merchant {self.customer_id}" if self.customer_id is not None else "every merchant",
            *(part.value for part in (self.payment_method,) if part),
            *(part for part in (self.card_brand,) if part),
            *(f"{part} installments" for part in (self.installments,) if part),
            *(part.value for part in (self.currency,) if part),
        ]
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class PlanRule:
    """Terms for the sales of a scope that are captured from `begins_at` on and before `ends_at`."""

    id: UUID
    scope: Scope
    fee: Fee
    schedule: Schedule
    begins_at: datetime
    ends_at: datetime | None
    created_at: datetime
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse a rule that would change the price of what was sold before, or cannot be read: raises ValueError."""
        if self.begins_at < self.created_at:
            raise ValueError("a rule cannot begin before it is written: what was sold keeps its price")
        if self.ends_at is not None and self.ends_at <= self.begins_at:
            raise ValueError("a rule ends after it begins")
        require_terms(self.scope, self.fee, self.schedule)

    def is_in_force(self, at: datetime) -> bool:
        return self.begins_at <= at and (self.ends_at is None or at < self.ends_at)


def require_terms(scope: Scope, fee: Fee, schedule: Schedule) -> None:
    """Raise ValueError for terms that do not go with their scope."""
    if fee.has_amounts and scope.currency is None:
        raise ValueError("a fee with fixed, min or max is for one currency: name it")
    if scope.payment_method is PaymentMethod.DEBIT_CARD:
        if schedule.delay:
            raise ValueError("a debit card is paid at once: it has no delay")
        if scope.installments is not None and scope.installments.most > 1:
            raise ValueError("a debit card has one installment")


_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_AS_BEFORE = Schedule(
    DEFAULT_FEE_PLAN.credit_delay_days,
    Unit.DAYS,
    DEFAULT_FEE_PLAN.credit_delay_days,
    Unit.DAYS,
    paid_from=PaidFrom.CAPTURE,
)
CONTRACT = {
    PaymentMethod.CREDIT_CARD: PlanRule(
        id=UUID("00000000-0000-7000-8000-000000000001"),
        scope=Scope(payment_method=PaymentMethod.CREDIT_CARD),
        fee=Fee(DEFAULT_FEE_PLAN.credit_fee_bps),
        schedule=_AS_BEFORE,
        begins_at=_EVER,
        ends_at=None,
        created_at=_EVER,
        reason="the merchant API's contract",
    ),
    PaymentMethod.DEBIT_CARD: PlanRule(
        id=UUID("00000000-0000-7000-8000-000000000002"),
        scope=Scope(payment_method=PaymentMethod.DEBIT_CARD),
        fee=Fee(DEFAULT_FEE_PLAN.debit_fee_bps),
        schedule=Schedule(0, Unit.DAYS, 0, Unit.DAYS, paid_from=PaidFrom.CAPTURE),
        begins_at=_EVER,
        ends_at=None,
        created_at=_EVER,
        reason="the merchant API's contract",
    ),
}
"""What prices a sale that no stored rule is for: a price never fails. Its ids stand on payables, and in no table."""
