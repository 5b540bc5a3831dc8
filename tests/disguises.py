"""A card number in more than a hundred disguises, each of which a reader of the text would see through."""

from __future__ import annotations

from collections.abc import Iterator

OWN = "4111111111111111"
OTHERS = (
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "30569309025904",
    "36227206271667",
    "3530111333300000",
    "6011111111111117",
    "6362970000457013",
    "6062825624254001",
    "6370950000000005",
    "500000000009",
    "4222222222222",
    "6200000000000005",
)
SEPARATORS = (
    *" \t\n\r\v\f_-.,:;/|\\+*#'\"~()[]<>=&%$@!?^",
    *"\u00a0\u2000\u2003\u2007\u2009\u200a\u202f\u205f\u3000\u1680\u2028\u2029",
    *"\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u061c\u180e\u200e\u200f\u202a\u2066\ufe0f\u3164\uffa0\u115f\u1160",
    *"\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d\u2043\u02d7\u30fc\u05be\u1806",
    *"\u00b7\u2022\u2024\u2027\u2219\u30fb\uff0e\u3002\u0387\u22c5",
    *"\u0301\u20e3\u0336",
    " - ",
    "  ",
    "\u200b \u200b",
    ", ",
)
# The zeros of scripts and styles whose digits follow each other.
ZEROS = "\u0660\u06f0\u07c0\u0966\u09e6\u0e50\u0f20\u17e0\uff10\U0001d7ce\U0001d7d8\U0001d7f6\U0001fbf0"


def grouped(number: str, separator: str) -> str:
    """Return the number in groups of four, as it is printed on a card."""
    return separator.join(number[start : start + 4] for start in range(0, len(number), 4))


def _written(number: str, zero: str) -> str:
    return "".join(chr(ord(zero) + int(digit)) for digit in number)


def _percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def _encoded() -> Iterator[str]:
    """Yield what a browser, a form or a page would show as the number."""
    for text in (OWN, grouped(OWN, " "), _written(OWN, ZEROS[0])):
        yield _percent(text)
        yield f"paid with {_percent(text).replace('%', '%25')} of Luke"
        yield "".join(f"&#{ord(character)};" for character in text)
        yield "".join(f"&#x0{ord(character):X}" for character in text)
    yield grouped(OWN, "&nbsp;")
    yield f"%25{_percent(OWN)[1:3]}{OWN[1:]}"
    yield "".join(f"&#x25;{ord(digit):x}" for digit in OWN)
    yield f"{_percent('%B')}{OWN}%5ESKYWALKER/LUKE%5E2510101?"


def disguises() -> Iterator[str]:
    """Yield texts with a card number in them: the request's own one, or any."""
    for number in (OWN, *OTHERS):
        yield number
        yield f"order 66, card {grouped(number, ' ')} 10/25"
    for separator in SEPARATORS:
        yield grouped(OWN, separator)
        yield f"paid with {separator.join(OWN)} of Luke"
    for zero in ZEROS:
        yield _written(OWN, zero)
        yield grouped(_written(OTHERS[0], zero), "\u2013")
    yield "".join(f"{digit}\ufe0f\u20e3" for digit in OWN)
    yield "".join("\u24ea\u2460\u2461\u2462\u2463"[int(digit)] for digit in OWN)
    yield "".join("\u24ff\u2776\u2777\u2778\u2779"[int(digit)] for digit in OWN)
    yield "".join("\u2070\u00b9\u00b2\u00b3\u2074"[int(digit)] for digit in OWN)
    yield from _encoded()
    yield f"0000{OWN}"
    yield f"no.{OWN}th"
    yield f"%B{OWN}^SKYWALKER/LUKE^2510101000000000?"
    yield "%b4111 1111 1111 1112^SKYWALKER/LUKE^2510101?"
    yield ";1234567890123456=25101010000000000?"
    yield f";{OWN}=25101010000000000?"
