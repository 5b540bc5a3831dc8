"""The demonstration's merchants and a day's sales: few at night, many at noon, small amounts more often than large."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

_WEIGHT_BY_HOUR = (2, 1, 1, 1, 1, 3, 10, 22, 28, 26, 28, 45, 70, 62, 38, 32, 34, 44, 62, 75, 66, 40, 18, 7)
# The last minutes stay empty, so that a slow machine does not post the day's last sales on the next one.
_OPEN_SHARE_OF_DAY = 0.98
_SENT_TWICE_PERCENT = 2
CURRENCY = "BRL"
_AMOUNT_MINOR_MIN = 100
_INSTALLMENTS = (2, 3, 4, 6)
# Numbers that card schemes publish for tests.
_CARDS = ("4111111111111111", "5555555555554444", "378282246310005", "6362970000457013", "6062826786276634")
_HOLDERS = ("Ana Souza", "Bruno Lima", "Carla Dias", "Davi Rocha", "Elisa Prado", "Fábio Nunes", "Gabi Melo")
_random = random.SystemRandom()


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
        return amount_minor * (debit_bps if payment_method == "debit_card" else credit_bps) // 10_000


# customer_id, goods, weight, typical_minor, spread, debit_percent, installments_percent, terms
MERCHANTS = (
    Merchant("padaria-do-sol", "Bread and coffee, Cheese bread, Birthday cake, Sandwich", 40, 1_850, 0.5, 70, 0),
    Merchant("restaurante-mare", "Lunch, Dinner for two, Fish of the day", 25, 7_400, 0.5, 35, 0, (390, 190, 28)),
    Merchant("farmacia-estrela", "Prescription, Sunscreen, Vitamins", 20, 4_900, 0.7, 45, 10, (425, 225, 29)),
    Merchant("livraria-lua", "Novel, School books, Comic, Atlas", 10, 8_900, 0.6, 25, 25, (449, 249, 30)),
    Merchant("eletronica-vento", "Headphones, Telephone, Television", 5, 89_000, 0.9, 10, 60, (349, 149, 31)),
)


@dataclass(frozen=True, slots=True)
class Sale:
    """One card transaction, and the time of day at which its merchant posts it."""

    merchant: Merchant
    at: timedelta
    key: str
    body: Mapping[str, Any]
    sent_twice: bool

    @property
    def installments(self) -> int:
        return int(self.body["installments"])


def a_day(*, count: int, reference: str) -> list[Sale]:
    """Return `count` sales in the order of the day; all carry the `reference`, by which they are found again."""
    sellers = _random.choices(MERCHANTS, weights=[merchant.weight for merchant in MERCHANTS], k=count)
    moments = sorted(_moment() for _ in range(count))
    return [
        Sale(
            merchant,
            at=at,
            # A letter between the digits: without, one key in some hundreds would pass for a card number.
            key=f"{reference}-n{number:06}",
            body=_body(merchant, reference=reference),
            # The last one in any case: it shows what a key is for, however few there are.
            sent_twice=number == count - 1 or _chance(_SENT_TWICE_PERCENT),
        )
        for number, (merchant, at) in enumerate(zip(sellers, moments, strict=True))
    ]


def _moment() -> timedelta:
    [hour] = _random.choices(range(len(_WEIGHT_BY_HOUR)), weights=_WEIGHT_BY_HOUR)
    return timedelta(hours=(hour + _random.random()) * _OPEN_SHARE_OF_DAY)


def _body(merchant: Merchant, *, reference: str) -> dict[str, Any]:
    is_debit = _chance(merchant.debit_percent)
    in_installments = not is_debit and _chance(merchant.installments_percent)
    amount = round(_random.lognormvariate(math.log(merchant.typical_minor), merchant.spread))
    return {
        "description": _random.choice(merchant.goods.split(", ")),
        "amount": max(amount, _AMOUNT_MINOR_MIN),
        "currency": CURRENCY,
        "payment_method": "debit_card" if is_debit else "credit_card",
        "installments": _random.choice(_INSTALLMENTS) if in_installments else 1,
        "card_number": _random.choice(_CARDS),
        "card_holder_name": _random.choice(_HOLDERS),
        "card_expiration_date": f"{_random.randint(1, 12):02}/{_random.randint(2030, 2035)}",
        "card_verification_code": f"{_random.randrange(1000):03}",
        "reference": reference,
    }


def _chance(percent: int) -> bool:
    return _random.randrange(100) < percent
