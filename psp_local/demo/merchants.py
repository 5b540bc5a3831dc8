"""The merchants of the demonstration: what they sell, at which prices, and under which terms."""

from __future__ import annotations

from dataclasses import dataclass

FEE_PLAN_UNITS = 10_000


@dataclass(frozen=True, slots=True)
class Merchant:
    """Terms and habits; `typical_minor` is the median price, `spread` how far the others are from it."""

    customer_id: str
    goods: str
    weight: int
    typical_minor: int
    spread: float
    debit_percent: int
    installments_percent: int
    terms: tuple[int, int, int] = (500, 300, 30)
    """Basis points of a credit and of a debit transaction, and the days after which credit is paid."""

    def fee_minor(self, amount_minor: int, *, payment_method: str) -> int:
        """Return what the merchant agreed to pay for an amount, rounded down to a whole minor unit."""
        credit_bps, debit_bps, _ = self.terms
        return amount_minor * (debit_bps if payment_method == "debit_card" else credit_bps) // FEE_PLAN_UNITS


# customer_id, goods, weight, typical_minor, spread, debit_percent, installments_percent, terms
MERCHANTS = (
    Merchant("padaria-do-sol", "Bread and coffee, Cheese bread, Birthday cake, Sandwich", 40, 1_850, 0.5, 70, 0),
    Merchant("restaurante-mare", "Lunch, Dinner for two, Fish of the day", 25, 7_400, 0.5, 35, 0, (390, 190, 28)),
    Merchant("farmacia-estrela", "Prescription, Sunscreen, Vitamins", 20, 4_900, 0.7, 45, 10, (425, 225, 29)),
    Merchant("livraria-lua", "Novel, School books, Comic, Atlas", 10, 8_900, 0.6, 25, 25, (449, 249, 30)),
    Merchant("eletronica-vento", "Headphones, Telephone, Television", 5, 89_000, 0.9, 10, 60, (349, 149, 31)),
)
