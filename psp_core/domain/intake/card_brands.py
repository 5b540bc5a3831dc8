"""Card brands by the digits that a number begins with.

The ranges are those of Braintree's npm package `credit-card-type` (`src/lib/card-types.ts`); Hipercard's beginnings
with 384 and the lengths that are no longer issued are from Shopify's `active_merchant` (`credit_card_methods.rb`).
They name a card, and keep none out: a number is taken whatever its brand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand with the lengths that its numbers have, in digits."""

    name: str
    lengths: frozenset[int]


UNKNOWN = Brand("unknown", frozenset())

# Brand, lengths, beginnings. The longest beginning that fits decides: 65 is Discover's, 650031 is Elo's.
_RANGES = (
    ("visa", "13 16 18-19", "4"),
    ("mastercard", "16", "51-55 2221-2720"),
    ("amex", "15", "34 37"),
    ("diners", "14-19", "300-305 36 38-39"),
    ("jcb", "15-19", "1800 2131 3528-3589"),
    ("discover", "16-19", "6011 644-649 65"),
    ("unionpay", "14-19", "620 62100-62182 62184-62197 622-626 6270 6272 6276 627700-627779 627781-627799"),
    ("unionpay", "14-19", "6282-6289 6291-6292 810-816 8170-8171"),
    ("elo", "16", "401178-401179 431274 438935 451416 457393 457631-457632 504175 506699-506778 509 627780 636297"),
    ("elo", "16", "636368 650031-650033 650035-650051 650405-650439 650485-650538 650541-650598 650700-650718"),
    ("elo", "16", "650720-650727 650901-650978 651652-651679 655000-655019 655021-655058"),
    ("hipercard", "13 16 19", "384100 384140 384160 606282 637095 637568 637599 637609 637612 63737423 63743358"),
    ("maestro", "12-19", "493698 50 56-59 6"),
)
NAMES = (*dict.fromkeys(name for name, _, _ in _RANGES), UNKNOWN.name)
"""Every name that a transaction's `card_brand` can be."""

BEGINNING_LENGTH_MAX = 8
_REMEMBERED = 4_096


def _numbers(text: str) -> Iterator[int]:
    """Yield the numbers that `13 16 18-19` stands for."""
    for item in text.split():
        first, _, last = item.partition("-")
        yield from range(int(first), int(last or first) + 1)


_BRANDS = {
    str(beginning): brand
    for brand, beginnings in (
        (Brand(name, frozenset(_numbers(lengths))), beginnings) for name, lengths, beginnings in _RANGES
    )
    for beginning in _numbers(beginnings)
}
_BEGINNING_LENGTHS = sorted({len(beginning) for beginning in _BRANDS}, reverse=True)


# Of the beginning alone: a whole card number must not be remembered.
@lru_cache(_REMEMBERED)
def _brand(beginning: str) -> Brand:
    for length in _BEGINNING_LENGTHS:
        if found := _BRANDS.get(beginning[:length]):
            return found
    return UNKNOWN


def brand_at(digits: str, start: int = 0) -> Brand:
    """Return the brand of the number that begins at `start`, or UNKNOWN."""
    return _brand(digits[start : start + BEGINNING_LENGTH_MAX])


def brand_of(digits: str) -> str:
    """Return the name of a card's brand, or `unknown`."""
    return brand_at(digits).name
