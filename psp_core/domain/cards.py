"""What may be known of a card: its brand and its last four digits."""

from __future__ import annotations

import re

CARD_DIGITS_MIN = 12
CARD_DIGITS_MAX = 19
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")

# ISO/IEC 7812 issuer ranges of the brands seen in the Americas and Europe; the first match wins.
_BRAND = re.compile(
    "(?P<elo>4011|4312|4389|4514|4576|5041|5066|5067|509[0-9]|6277|6362|6363|650|6516|6550)"
    "|(?P<hipercard>606282|3841)"
    "|(?P<visa>4)"
    "|(?P<mastercard>5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)"
    "|(?P<amex>3[47])"
    "|(?P<diners>3(?:0[0-5]|[689]))"
    "|(?P<jcb>35)"
    "|(?P<discover>6011|64[4-9]|65)"
    "|(?P<maestro>5[0678]|6)"
)


def passes_luhn(digits: str) -> bool:
    """Tell whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    backwards = digits.encode()[::-1]
    characters = sum(backwards[::2]) + sum(backwards[1::2].translate(_DOUBLED))
    return (characters - ord("0") * len(digits)) % 10 == 0


def brand_of(digits: str) -> str:
    """Return the card's brand by its issuer range, or `unknown`."""
    found = _BRAND.match(digits)
    return (found and found.lastgroup) or "unknown"
