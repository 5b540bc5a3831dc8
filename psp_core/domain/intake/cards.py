"""What is card data: the one place that decides it, for validation, for the log and for problems.

PCI DSS 3.3 to 3.5: what is not stored need not be guarded. A text holds card data when it has
- 12 to 19 digits with a right check digit and a brand's beginning and length, whatever stands between them but letters:
  spaces, dashes and dots of every kind, invisible characters, digits of any script, in circles or at full width;
- a track of a magnetic stripe, `%B…^` or `;…=`, even with a wrong check digit.

A number begins and ends where a group of digits does: inside of longer ones, one in three would be hit by accident.
Percent escapes and HTML's references are decoded, up to three times: what a reader of the text would do.
UUIDs, with dashes or as 32 digits of hex with a letter, and times are never card data.
Everything is linear in the text's length.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from html.entities import html5
from itertools import accumulate, islice
from urllib.parse import unquote

from psp_core.domain.intake.card_brands import brand_at

CARD_DIGITS_MIN = 12
CARD_DIGITS_MAX = 19
PHONE_DIGITS_MAX = 13
"""After a plus, no more digits than these are a telephone number: cards are hardly ever that short."""

_Span = tuple[int, int]
_DIGITS = b"0123456789"
_DOUBLED = bytes.maketrans(_DIGITS, b"0246813579")
_DOUBLE = {digit: (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)[int(digit)] for digit in "0123456789"}

# unicodedata sorts the marks of a character by insertion, so a long text of nothing else would take for ever.
_SLICE = 128
# What has a digit's value after NFKC: decimal digits of all scripts, and those in circles or without a zero.
_OTHER_DIGITS = re.compile(
    "(?![0-9])[\\d\u1369-\u1371\u19da\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792"
    "\U00010a40-\U00010a43\U00010e60-\U00010e68\U00011052-\U0001105a\U0001f10b\U0001f10c]"
)
# Taken out before anything is looked for: their groups could pass for the digits of a card.
_KEPT = re.compile(
    r"(?<![0-9a-z])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z])"
    r"|(?<![0-9a-z])(?=[0-9]{0,31}[a-f])[0-9a-f]{32}(?![0-9a-z])"
    r"|(?<![0-9])(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)?(?![0-9])",
    re.IGNORECASE,
)
# Without letters in it, but for those that cannot be seen or pass for a dash.
_STRETCH = re.compile("[\\W\\d_\u115f\u1160\u17b4\u17b5\u30fc]+")
# Leading zeros may be padding, since no brand begins with one.
_GROUP = re.compile("0+(?=[1-9])|[0-9]+")
_LONGER = re.compile(f"[0-9]{{{CARD_DIGITS_MAX + 1},}}")
_TRACK_BEGINS = frozenset(";Bb")
_TRACK_LENGTHS = range(CARD_DIGITS_MIN, CARD_DIGITS_MAX + 1)


# A number's leading zeros are taken apart, so that it has few digits to be read.
_REFERENCE = re.compile(r"&(?:#[xX]0*([0-9A-Fa-f]{1,6});?|#0*([0-9]{1,7});?|([A-Za-z][0-9A-Za-z]{1,31};))")
_DECODINGS_MAX = 3


def passes_luhn(digits: str) -> bool:
    """Tell whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    backwards = digits.encode()[::-1]
    characters = sum(backwards[::2]) + sum(backwards[1::2].translate(_DOUBLED))
    return (characters - ord("0") * len(digits)) % 10 == 0


def holds_card_data(text: str, *, number: str | None = None) -> bool:
    """Tell whether there is card data in the text.

    Of a card `number` that is known, nothing but the digits counts, whatever its brand and whatever is between them.
    """
    # Hundreds of thousands of texts have not enough characters, and nearly all others nothing to be decoded.
    if len(text) < CARD_DIGITS_MIN and text.isascii():
        return False
    if "%" not in text and "&" not in text:
        return _holds(text, number)
    return any(_holds(reading, number) for reading in _readings(text))


def _holds(text: str, number: str | None) -> bool:
    plain = _plain(text)
    if plain is None:
        return False
    return next(_found(plain), None) is not None or (number is not None and number in _digits(plain))


def without_card_data(text: str, mask: str) -> str:
    """Return the text as it is, or in its NFKC form with the mask for all card data, and for all longer numbers.

    Decoded where only that shows it. Here to take out too much does no harm, and a number may be a part of them.
    """
    masked = _masked(text, mask)
    for reading in islice(_readings(masked), 1, None):
        if (cleaned := _masked(reading, mask)) != reading:
            return without_card_data(cleaned, mask)
    return masked


def _masked(text: str, mask: str) -> str:
    plain = _plain(text)
    if plain is None:
        return text
    parts: list[str] = []
    end = 0
    for first, last in _merged(_found(plain)):
        parts += plain[end:first], mask
        end = last
    masked = _LONGER.sub(mask, "".join([*parts, plain[end:]]))
    return text if masked == plain else masked


class CardNumbers:
    """The numbers of many cards, to be looked for in many texts: the time does not grow with how many they are."""

    def __init__(self, numbers: Iterable[str]) -> None:
        self._by_beginning: dict[str, set[str]] = {}
        for number in numbers:
            self._by_beginning.setdefault(number[:CARD_DIGITS_MIN], set()).add(number)

    def are_in(self, text: str) -> bool:
        """Tell whether the digits of one of the numbers follow each other in the text."""
        if len(text) < CARD_DIGITS_MIN and text.isascii():
            return False
        if "%" not in text and "&" not in text:
            return self._are_in(text)
        return any(self._are_in(reading) for reading in _readings(text))

    def _are_in(self, text: str) -> bool:
        plain = _plain(text)
        if plain is None:
            return False
        digits = _digits(plain)
        return any(
            digits.startswith(number, start)
            for start in range(len(digits) - CARD_DIGITS_MIN + 1)
            for number in self._by_beginning.get(digits[start : start + CARD_DIGITS_MIN], ())
        )


def _readings(text: str) -> Iterator[str]:
    """Yield the text, and then what it says to whoever decodes it once, twice, and so on."""
    yield text
    for _ in range(_DECODINGS_MAX):
        if "%" not in text and "&" not in text:
            return
        decoded = _REFERENCE.sub(_character, unquote(text))
        if decoded == text:
            return
        text = decoded
        yield text


def _character(reference: re.Match[str]) -> str:
    hexadecimal, decimal, name = reference.groups()
    if name is not None:
        return html5.get(name, reference[0])
    code = int(hexadecimal, 16) if hexadecimal is not None else int(decimal)
    return chr(code) if code <= sys.maxunicode else reference[0]


def _digits(plain: str) -> str:
    return "".join(_GROUP.findall(plain))


def _plain(text: str) -> str | None:
    """Return the text with every digit in ASCII, or None when it has not enough of them for a card."""
    if not text.isascii():
        slices = (text[start : start + _SLICE] for start in range(0, len(text), _SLICE))
        text = "".join([unicodedata.normalize("NFKC", each) for each in slices])
        text = _OTHER_DIGITS.sub(lambda match: str(int(unicodedata.numeric(match[0]))), text)
    encoded = text.encode("utf-8", "replace")
    return text if len(encoded) - len(encoded.translate(None, _DIGITS)) >= CARD_DIGITS_MIN else None


def _found(plain: str) -> Iterator[_Span]:
    """Yield where card data begins and ends, by where it begins."""
    searched = _KEPT.sub(lambda match: "x" * len(match[0]), plain)
    for stretch in _STRETCH.finditer(searched):
        if len(stretch[0]) >= CARD_DIGITS_MIN:
            yield from _numbers_in(searched, stretch.span())


def _numbers_in(text: str, stretch: _Span) -> Iterator[_Span]:
    groups = [match.span() for match in _GROUP.finditer(text, *stretch)]
    digits = "".join([text[first:last] for first, last in groups])
    # How many digits there are before each group, and where each of these counts is reached.
    ends = list(accumulate(last - first for first, last in groups))
    reached = dict(zip(ends, [last for _, last in groups], strict=True))
    sums = _luhn_sums(digits)
    for (first, _), start in zip(groups, [0, *ends], strict=False):
        for count in _TRACK_LENGTHS if text[first - 1 : first] in _TRACK_BEGINS else brand_at(digits, start).lengths:
            end = start + count
            if (last := reached.get(end)) is None:
                continue
            # The last digit counts once, the one before it twice, and so on.
            own = sums[end % 2]
            passes = (own[end] - own[start]) % 10 == 0 and count in brand_at(digits, start).lengths
            if (passes and not _is_phone(text, first, count)) or _is_track(text, first, last):
                yield first, last


def _luhn_sums(digits: str) -> tuple[list[int], list[int]]:
    """Return the sums of all beginnings, with every digit at an even index doubled, and at an odd one."""
    plain = [int(digit) for digit in digits]
    double = [_DOUBLE[digit] for digit in digits]
    even, odd = plain.copy(), plain
    even[::2], odd[1::2] = double[::2], double[1::2]
    return [0, *accumulate(even)], [0, *accumulate(odd)]


def _is_track(text: str, first: int, last: int) -> bool:
    after = text[last : last + 1]
    return (after == "^" and text[max(first - 2, 0) : first].upper() == "%B") or (
        after == "=" and text[max(first - 1, 0) : first] == ";"
    )


def _is_phone(text: str, first: int, count: int) -> bool:
    return count <= PHONE_DIGITS_MAX and text[max(first - 1, 0) : first] == "+"


def _merged(spans: Iterable[_Span]) -> Iterator[_Span]:
    first = last = -1
    for begin, end in spans:
        if begin > last:
            if last >= 0:
                yield first, last
            first, last = begin, end
        last = max(last, end)
    if last >= 0:
        yield first, last
