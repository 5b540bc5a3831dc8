"""What a plan rule says of money that comes back."""

from __future__ import annotations

from dataclasses import dataclass

from psp_core.domain.kernel.calendar import BankCalendar, OpenDays
from psp_core.domain.pricing.terms import RefundFee


@dataclass(frozen=True, slots=True)
class RefundTerms:
    """Whether the fee comes back with a refund, and on which days what comes back may be due."""

    fee: RefundFee
    open_days: OpenDays


CONTRACTS_REFUND_TERMS = RefundTerms(RefundFee.RETURNED, OpenDays(BankCalendar.EVERY_DAY))
"""Of the contract's rules, and of what was sold before there were rules."""


RESERVE_DAYS_MAX = 365


@dataclass(frozen=True, slots=True)
class MerchantTerms:
    """A merchant's own terms in one currency. Raises ValueError for a reserve without days, or days without one."""

    negative_limit_minor: int | None = None
    """How far below nothing, in minor units, a refund may take what a merchant has in all; None is no limit."""
    reserve_bps: int = 0
    """What is kept back of a settlement, of its payables above zero."""
    reserve_days: int = 0
    """For how long."""

    def __post_init__(self) -> None:
        if (self.reserve_bps == 0) != (self.reserve_days == 0):
            raise ValueError("a reserve has basis points and days, or neither")
