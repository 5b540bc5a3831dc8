"""Terms: what the platform keeps of a transaction, and when its installments are due, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from psp_core.domain.kernel.calendar import BankCalendar, OpenDays, months_after
from psp_core.domain.kernel.closing import MIDNIGHT, ClosingTime
from psp_core.domain.kernel.money import AMOUNT_MINOR_MAX, Money, Rounding
from psp_core.domain.pricing.fee_plans import DELAY_DAYS_MAX, FEE_BPS_MAX

DELAY_MONTHS_MAX = 24


class FeeBasis(StrEnum):
    """What a fee is computed of."""

    WHOLE = "whole"
    """The whole amount, once; then it is split like the amount."""

    INSTALLMENT = "installment"
    """Each installment by itself: how it was before plans had rules. No new rule says so."""


class RefundFee(StrEnum):
    """What becomes of the fee when a sale is refunded."""

    RETURNED = "returned"
    """It comes back in proportion to what is refunded."""

    KEPT = "kept"


class Unit(StrEnum):
    """What a delay or a step is counted in."""

    DAYS = "days"
    BUSINESS_DAYS = "business_days"
    """Open days of the plan's calendar. Of a delay only."""

    MONTHS = "months"


class Roll(StrEnum):
    """What becomes of a due date on a closed day."""

    NONE = "none"
    """There are no closed days."""

    FOLLOWING = "following"


class PaidFrom(StrEnum):
    """The instant that belongs to a due date."""

    CAPTURE = "capture"
    """As long after the capture as the delay says: the contract's default plan, and all fee plans."""

    START_OF_DAY = "start_of_day"
    """The first instant of the due date in the plan's zone."""


@dataclass(frozen=True, slots=True)
class Fee:
    """A share of the amount and a fixed part, held between a least and a greatest fee; all but `bps` in minor units."""

    bps: int
    fixed: int = 0
    least: int = 0
    greatest: int | None = None
    rounding: Rounding = Rounding.DOWN
    basis: FeeBasis = FeeBasis.WHOLE
    on_refund: RefundFee = RefundFee.RETURNED

    def __post_init__(self) -> None:
        """Refuse what no fee can be: raises ValueError."""
        if not 0 <= self.bps <= FEE_BPS_MAX:
            raise ValueError(f"a fee is 0 to {FEE_BPS_MAX} basis points")
        if not all(0 <= part <= AMOUNT_MINOR_MAX for part in (self.fixed, self.least, self.greatest or 0)):
            raise ValueError(f"a fee's parts are 0 to {AMOUNT_MINOR_MAX} minor units")
        if self.greatest is not None and self.greatest < self.least:
            raise ValueError("a fee's max is less than its min")

    @property
    def has_amounts(self) -> bool:
        """Tell whether it names amounts, which mean something in one currency only."""
        return bool(self.fixed or self.least or self.greatest is not None)

    def of(self, amount: Money) -> Money:
        """Return the fee of an amount: never more than the amount itself."""
        fee = amount.share(self.bps, self.rounding)
        if not self.has_amounts:
            return fee
        minor = max(fee.minor + self.fixed, self.least)
        if self.greatest is not None:
            minor = min(minor, self.greatest)
        return Money(min(minor, amount.minor), amount.currency)

    def by_installment(self, amount: Money, parts: list[Money]) -> list[Money]:
        """Return the fee of each of the `parts` that `amount` was split into.

        Split like the amount, no part of the fee is more than its part of the amount.
        """
        if self.basis is FeeBasis.INSTALLMENT:
            return [self.of(part) for part in parts]
        return self.of(amount).split(len(parts))


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the installments of a credit card are due, counted from the business day of the capture."""

    delay: int
    delay_unit: Unit
    step: int
    """From an installment to the next."""

    step_unit: Unit
    calendar: BankCalendar = BankCalendar.EVERY_DAY
    roll: Roll = Roll.NONE
    zone: str | None = None
    """Whose days they are; None is the platform's time zone."""

    closes_at: ClosingTime = MIDNIGHT
    paid_from: PaidFrom = PaidFrom.START_OF_DAY

    def __post_init__(self) -> None:
        """Refuse what cannot be meant: raises ValueError."""
        for name, count, unit in (("delay", self.delay, self.delay_unit), ("step", self.step, self.step_unit)):
            most = DELAY_MONTHS_MAX if unit is Unit.MONTHS else DELAY_DAYS_MAX
            if not 0 <= count <= most:
                raise ValueError(f"a {name} is 0 to {most} {unit.value.replace('_', ' ')}")
        if self.step_unit is Unit.BUSINESS_DAYS:
            raise ValueError("a step is counted in days or months: its due date is rolled")
        if (self.roll is Roll.NONE) != (self.calendar is BankCalendar.EVERY_DAY):
            raise ValueError("a calendar with closed days goes with the roll `following`, and every_day with `none`")
        if self.paid_from is PaidFrom.CAPTURE and not (
            self.delay_unit is Unit.DAYS and self.step_unit is Unit.DAYS and self.closes_at == MIDNIGHT
        ):
            raise ValueError("what is paid from the capture on is counted in days, and closes at midnight")

    def due_on(self, day: date, installment: int, open_days: OpenDays) -> date:
        """Return when an installment of what was captured on the business day `day` is due: an open day.

        Months are counted from `day` at once and clamped to the month's end, so they never drift; then days, then
        business days.
        """
        steps = (installment - 1) * self.step
        months = (self.delay if self.delay_unit is Unit.MONTHS else 0) + (steps if self.step_unit is Unit.MONTHS else 0)
        days = (self.delay if self.delay_unit is Unit.DAYS else 0) + (steps if self.step_unit is Unit.DAYS else 0)
        due = (months_after(day, months) if months else day) + timedelta(days=days)
        if self.delay_unit is Unit.BUSINESS_DAYS:
            due = open_days.after(due, self.delay)
        return open_days.following(due)
