"""Fee plans: what the platform keeps of a payable, and after how many days it is due."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime

from psp_core.domain.kernel.calendar import BankCalendar

FEE_BPS_MAX = 10_000
DELAY_DAYS_MAX = 365
BPS_PER_PERCENT = 100


@dataclass(frozen=True, slots=True)
class FeePlan:
    """A merchant's terms, in force for transactions from `effective_from` on.

    A debit card's payable is paid at once, so a plan has no debit delay.
    """

    credit_fee_bps: int
    debit_fee_bps: int
    credit_delay_days: int
    calendar: BankCalendar
    effective_from: datetime

    def __post_init__(self) -> None:
        """Refuse terms outside their limits: raises ValueError."""
        if not 0 <= self.credit_fee_bps <= FEE_BPS_MAX or not 0 <= self.debit_fee_bps <= FEE_BPS_MAX:
            raise ValueError(f"a fee is 0 to {FEE_BPS_MAX} basis points")
        if not 0 <= self.credit_delay_days <= DELAY_DAYS_MAX:
            raise ValueError(f"a delay is 0 to {DELAY_DAYS_MAX} days")


@dataclass(frozen=True, slots=True)
class ChangedTerms:
    """What a change of terms names; what it leaves out, as None, stays as it is."""

    credit_fee_bps: int | None = None
    debit_fee_bps: int | None = None
    credit_delay_days: int | None = None
    calendar: BankCalendar | None = None

    def applied_to(self, plan: FeePlan, *, at: datetime) -> FeePlan:
        """Return the plan with these terms from `at` on. Raises ValueError outside the limits."""
        named = {name: value for name, value in asdict(self).items() if value is not None}
        return replace(plan, **named, effective_from=at)


TERMS = tuple(field.name for field in fields(ChangedTerms))


def differences(before: FeePlan, after: FeePlan) -> dict[str, tuple[int | BankCalendar, int | BankCalendar]]:
    """Return the terms that differ, each with its old and its new value."""
    both = {name: (getattr(before, name), getattr(after, name)) for name in TERMS}
    return {name: (old, new) for name, (old, new) in both.items() if old != new}


DEFAULT_FEE_PLAN = FeePlan(
    credit_fee_bps=500,
    debit_fee_bps=300,
    credit_delay_days=30,
    calendar=BankCalendar.EVERY_DAY,
    effective_from=datetime(1970, 1, 1, tzinfo=UTC),
)
"""The merchant API's contract: credit 5 % after 30 days, debit 3 % at once."""


def plan_in_force(plans: list[FeePlan], *, at: datetime) -> FeePlan:
    """Return the newest of a merchant's `plans` in force at `at`, or the default plan.

    The terms are those of the moment the transaction was made, whenever its payables are created.
    """
    if not plans:
        return DEFAULT_FEE_PLAN
    in_force = [plan for plan in plans if plan.effective_from <= at]
    return max(in_force, key=lambda plan: plan.effective_from, default=DEFAULT_FEE_PLAN)
