"""Money in whole minor units; rounding, splitting and writing it live here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

ONE_HUNDRED_PERCENT_BPS = 10_000
_DECIMAL_PLACES = 2
AMOUNT_MINOR_MAX = 10**12
"""The largest amount of one transaction, in minor units (the merchant API's contract)."""


class Currency(StrEnum):
    """ISO 4217 codes; all of these have two decimal places, so a minor unit is a hundredth."""

    BRL = "BRL"
    USD = "USD"
    EUR = "EUR"
    GBP = "GBP"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units: `Money(1_050, Currency.BRL)` is R$ 10.50."""

    minor: int
    currency: Currency

    def share(self, bps: int) -> Money:
        """Return `bps` basis points of the amount, rounded down to a whole minor unit."""
        return Money(self.minor * bps // ONE_HUNDRED_PERCENT_BPS, self.currency)

    def split(self, parts: int) -> list[Money]:
        """Split into `parts` that add up to the whole; the first ones carry the spare cents."""
        if parts == 1:
            return [self]
        quotient, spare = divmod(self.minor, parts)
        return [Money(quotient + (index < spare), self.currency) for index in range(parts)]

    def __sub__(self, other: Money) -> Money:
        """Return the difference; raises ValueError when the currencies differ."""
        if self.currency is not other.currency:
            raise ValueError(f"cannot subtract {other.currency} from {self.currency}")
        return Money(self.minor - other.minor, self.currency)


def in_major_units(minor: int) -> Decimal:
    """Return minor units with their decimal places: 123450 is 1234.50, exactly."""
    return Decimal(minor).scaleb(-_DECIMAL_PLACES)


def written(minor: int) -> str:
    """Return minor units as people write them: 123450 is 1,234.50."""
    return f"{in_major_units(minor):,}"
