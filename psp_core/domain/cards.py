"""What may be known of a card: its brand and its last four digits."""

from __future__ import annotations

import re

CARD_DIGITS_MIN = 12
CARD_DIGITS_MAX = 19
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

# ISO/IEC 7812 issuer ranges of the brands seen in the Americas and Europe; the first match wins.
_BRANDS = (
    ("elo", re.compile(r"4011|4312|4389|4514|4576|5041|5066|5067|509\d|6277|6362|6363|650|6516|6550")),
    ("hipercard", re.compile(r"606282|3841")),
    ("visa", re.compile(r"4")),
    ("mastercard", re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720")),
    ("amex", re.compile(r"3[47]")),
    ("diners", re.compile(r"3(?:0[0-5]|[689])")),
    ("jcb", re.compile(r"35")),
    ("discover", re.compile(r"6011|64[4-9]|65")),
    ("maestro", re.compile(r"5[0678]|6")),
)


def passes_luhn(digits: str) -> bool:
    """Tell whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    total = sum(int(digit) for digit in digits[-1::-2])
    return (total + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])) % 10 == 0


def brand_of(digits: str) -> str:
    """Return the card's brand by its issuer range, or `unknown`."""
    return next((name for name, pattern in _BRANDS if pattern.match(digits)), "unknown")
