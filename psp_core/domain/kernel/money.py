"""Money in whole minor units; rounding, splitting and writing it live here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from psp_core.domain.kernel.currencies import Currency

__all__ = [
    "AMOUNT_MINOR_MAX",
    "ONE_HUNDRED_PERCENT_BPS",
    "Currency",
    "Money",
    "Rounding",
    "in_major_units",
    "written",
]

ONE_HUNDRED_PERCENT_BPS = 10_000
AMOUNT_MINOR_MAX = 10**12
"""The largest amount of one transaction, in minor units (the merchant API's contract)."""


class Rounding(StrEnum):
    """What becomes of a part of a minor unit."""

    DOWN = "down"
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    """A half goes to the even neighbour, so that many halves cancel out."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units: `Money(1_050, Currency.BRL)` is R$ 10.50."""

    minor: int
    currency: Currency

    def share(self, bps: int, rounding: Rounding = Rounding.DOWN) -> Money:
        """Return `bps` basis points of the amount, rounded to a whole minor unit. The amount is not negative."""
        whole, rest = divmod(self.minor * bps, ONE_HUNDRED_PERCENT_BPS)
        if rounding is not Rounding.DOWN:
            # Compared with a half in whole numbers: a float has no exact tenth of a cent.
            over = 2 * rest - ONE_HUNDRED_PERCENT_BPS
            whole += over > 0 or (over == 0 and (rounding is Rounding.HALF_UP or whole % 2 == 1))
        return Money(whole, self.currency)

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


def in_major_units(minor: int, currency: Currency) -> Decimal:
    """Return minor units with the currency's decimal places: 123450 of the real is 1234.50, exactly."""
    return Decimal(minor).scaleb(-currency.decimal_places)


def written(minor: int, currency: Currency) -> str:
    """Return minor units as people write them: 123450 of the real is 1,234.50, of the yen 123,450."""
    return f"{in_major_units(minor, currency):,f}"
