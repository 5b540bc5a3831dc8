"""The merchants of the demonstration: what they sell, at which prices, and under which terms."""

from __future__ import annotations

from dataclasses import dataclass

FEE_PLAN_UNITS = 10_000


@dataclass(frozen=True, slots=True)
class Merchant:
    """Terms and habits; `typical_minor` is the median price, `spread` how far the others are from it."""

    customer_id: str
    goods: tuple[str, ...]
    weight: int
    typical_minor: int
    spread: float
    debit_percent: int
    installments_percent: int
    credit_fee_bps: int = 500
    debit_fee_bps: int = 300
    credit_delay_days: int = 30

    def fee_minor(self, amount_minor: int, *, payment_method: str) -> int:
        """Return what the merchant agreed to pay for a payable, rounded down to a whole minor unit."""
        fee_bps = self.debit_fee_bps if payment_method == "debit_card" else self.credit_fee_bps
        return amount_minor * fee_bps // FEE_PLAN_UNITS

    @property
    def has_default_terms(self) -> bool:
        return (self.credit_fee_bps, self.debit_fee_bps, self.credit_delay_days) == (500, 300, 30)


MERCHANTS = (
    Merchant(
        "padaria-do-sol",
        goods=("Bread and coffee", "Cheese bread", "Birthday cake", "Sandwich"),
        weight=40,
        typical_minor=1_850,
        spread=0.5,
        debit_percent=70,
        installments_percent=0,
    ),
    Merchant(
        "restaurante-mare",
        goods=("Lunch", "Dinner for two", "Fish of the day", "Moqueca"),
        weight=25,
        typical_minor=7_400,
        spread=0.5,
        debit_percent=35,
        installments_percent=0,
        credit_fee_bps=390,
        debit_fee_bps=190,
        credit_delay_days=28,
    ),
    Merchant(
        "farmacia-estrela",
        goods=("Prescription", "Sunscreen", "Vitamins"),
        weight=20,
        typical_minor=4_900,
        spread=0.7,
        debit_percent=45,
        installments_percent=10,
        credit_fee_bps=425,
        debit_fee_bps=225,
        credit_delay_days=29,
    ),
    Merchant(
        "livraria-lua",
        goods=("Novel", "School books", "Comic", "Atlas"),
        weight=10,
        typical_minor=8_900,
        spread=0.6,
        debit_percent=25,
        installments_percent=25,
        credit_fee_bps=449,
        debit_fee_bps=249,
        credit_delay_days=30,
    ),
    Merchant(
        "eletronica-vento",
        goods=("Headphones", "Telephone", "Television", "Keyboard"),
        weight=5,
        typical_minor=89_000,
        spread=0.9,
        debit_percent=10,
        installments_percent=60,
        credit_fee_bps=349,
        debit_fee_bps=149,
        credit_delay_days=31,
    ),
)
