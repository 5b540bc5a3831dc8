"""The rules of single fields, each stated once: they validate, and the OpenAPI document is made of them."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from psp_api.server.wire.field_problems import CARD_DATA, CARD_DATA_DETAIL
from psp_api.server.wire.words import (
    CARD_NUMBER_PATTERN,
    EXPIRATION_DATE_PATTERN,
    IN_MINOR_UNITS,
    TEXT_PATTERN,
    VERIFICATION_CODE_PATTERN,
)
from psp_core.domain.intake.cards import holds_card_data, passes_luhn
from psp_core.domain.kernel.money import AMOUNT_MINOR_MAX, Currency

_CURRENCIES = frozenset(each.value for each in Currency)
_AMOUNT_DIGITS_MAX = len(str(AMOUNT_MINOR_MAX))
_AMOUNT_RANGE = f"must be from 1 to {AMOUNT_MINOR_MAX} minor units"
_CENTURY = 2000
_MONTHS = 1_200


def whole_number(value: object) -> int:
    """Return a whole amount given as an integer or as a string of digits."""
    if type(value) is int:
        number = value
    elif type(value) is str and value.isascii() and value.isdigit():
        digits = value.lstrip("0")
        # Anything longer is out of range, and int() would take its time for it.
        number = int(digits or "0") if len(digits) <= _AMOUNT_DIGITS_MAX else AMOUNT_MINOR_MAX + 1
    else:
        raise PydanticCustomError("wrong_type", "must be a whole number, as an integer or a string of digits")
    if not 1 <= number <= AMOUNT_MINOR_MAX:
        raise PydanticCustomError("out_of_range", _AMOUNT_RANGE)
    return number


def _currency(value: object) -> object:
    # Its own sentence: pydantic's would list them all.
    if value is not None and not (isinstance(value, str) and value in _CURRENCIES):
        raise PydanticCustomError("not_allowed", "must be a currency's code by ISO 4217, like BRL")
    return value


def _luhn(digits: str) -> str:
    if not passes_luhn(digits):
        raise PydanticCustomError("check_digit_wrong", "the card number's check digit is wrong")
    return digits


def _without_card(text: str, info: ValidationInfo) -> str:
    # In a body, the card's own number has been validated before.
    if holds_card_data(text, number=info.data.get("card_number")):
        raise PydanticCustomError(CARD_DATA, CARD_DATA_DETAIL)
    return text


@lru_cache(_MONTHS)
def first_of_month(expiration_date: str) -> date:
    """Return the first day of the month that `MM/YY` or `MM/YYYY` names."""
    month, year = expiration_date.split("/")
    return date(int(year) if len(year) == 4 else _CENTURY + int(year), int(month), 1)


Amount = Annotated[
    int,
    PlainValidator(whole_number),
    WithJsonSchema(
        {
            "description": f"{IN_MINOR_UNITS}; a whole number, as an integer or a string of digits",
            "oneOf": [
                {"type": "integer", "minimum": 1, "maximum": AMOUNT_MINOR_MAX},
                {"type": "string", "pattern": f"^(0*[1-9][0-9]{{0,{_AMOUNT_DIGITS_MAX - 2}}}|0*{AMOUNT_MINOR_MAX})$"},
            ],
        }
    ),
]
CurrencyCode = Annotated[Currency, BeforeValidator(_currency)]
Text = Annotated[str, Field(pattern=TEXT_PATTERN)]
# After a text's length: what follows a validator of our own is not told from a list's.
NoCardData = AfterValidator(_without_card)
CardNumber = Annotated[
    str,
    Field(
        pattern=CARD_NUMBER_PATTERN,
        description="12 to 19 digits; only its brand and its last four are kept",
        json_schema_extra={"format": "card-number"},
    ),
    AfterValidator(_luhn),
]
ExpirationDate = Annotated[
    str,
    Field(
        pattern=EXPIRATION_DATE_PATTERN,
        description="MM/YY or MM/YYYY; a card past its date is not refused here",
    ),
]
VerificationCode = Annotated[
    str,
    Field(pattern=VERIFICATION_CODE_PATTERN, description="checked, then forgotten: never stored and never sent back"),
]
