"""What the document cannot say in JSON Schema."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

import orjson
import schemathesis
from hypothesis import Phase, settings, strategies

from psp_api.intake.transaction_body import TransactionBody
from psp_api.server.wire.headers import CUSTOMER_ID_PATTERN, IDEMPOTENCY_KEY_PATTERN
from psp_api.server.wire.json_body import texts_in
from psp_core.domain.intake.cards import CardNumbers, holds_card_data
from psp_core.domain.intake.transactions import INSTALLMENTS_MAX
from psp_core.domain.kernel.money import AMOUNT_MINOR_MAX
from psp_core.domain.kernel.paging import NUMBERED_ROWS_MAX, PAGE_LIMIT_DEFAULT

FREE_TEXT = ("description", "card_holder_name", "reference")
IDEMPOTENCY_KEY = re.compile(IDEMPOTENCY_KEY_PATTERN)
CUSTOMER_ID = re.compile(CUSTOMER_ID_PATTERN)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# The id of an object that exists, by path, and whose they are: the test leaves them in the folder it starts this in.
OBJECTS = json.loads(Path("objects.json").read_text())

# Only make cases: to look for better ones, which the default profile does, takes four fifths of the time.
settings.register_profile("generate", phases=[Phase.explicit, Phase.generate], database=None)
settings.load_profile("generate")


def with_check_digit(digits: str) -> str:
    """Return the digits with the one that makes them pass."""
    doubled = [int(digit) * (2 if index % 2 == 0 else 1) for index, digit in enumerate(reversed(digits))]
    return digits + str(-sum(value // 10 + value % 10 for value in doubled) % 10)


card_numbers = strategies.text("0123456789", min_size=11, max_size=18).map(with_check_digit)
schemathesis.openapi.format("card-number", card_numbers)


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
    """Make what only JSON Schema takes for right right: the document cannot say it, docs/api.md does."""
    headers: MutableMapping[str, str] = case.headers or {}
    if IDEMPOTENCY_KEY.fullmatch(headers.get("Idempotency-Key", "")):
        # The same key for another body is refused.
        headers["Idempotency-Key"] = uuid.uuid4().hex
    _ask_for_what_exists(case)
    _ask_for_a_near_page(case)
    _ask_about_a_sale(case)
    _refund_a_little(case)
    bodies = [body for body in (case.body if isinstance(case.body, list) else [case.body]) if isinstance(body, dict)]
    for body in bodies:
        _correct(body)
    named = headers.get("x-customer-id", "")
    numbers = [number for body in bodies if isinstance(number := body.get("card_number"), str)]
    if CUSTOMER_ID.fullmatch(named) and CardNumbers(number for number in numbers if number).are_in(named):
        headers["x-customer-id"] = "somebody"


def _ask_for_what_exists(case: schemathesis.Case[Any]) -> None:
    """Let half of the requests for any merchant's objects be for some that exist; wrong ones stay wrong."""
    headers: MutableMapping[str, str] = case.headers or {}
    merchant = headers.get("x-customer-id", "")
    if not CUSTOMER_ID.fullmatch(merchant) or crc32(merchant.encode()) % 2:
        return
    if "{id}" in case.operation.path:
        if not UUID.fullmatch(str(case.path_parameters.get("id"))):
            return
        case.path_parameters = {**case.path_parameters, "id": OBJECTS[case.operation.path]}
    headers["x-customer-id"] = OBJECTS["merchant"]


def _refund_a_little(case: schemathesis.Case[Any]) -> None:
    """Let what is given back be so little that there is enough left for all of them; wrong amounts stay wrong."""
    if case.operation.path.endswith("/refunds") and isinstance(case.body, dict):
        with suppress(TypeError, ValueError):
            amount = case.body.get("amount")
            if amount is None or (not isinstance(amount, bool | float) and 0 < int(str(amount)) <= AMOUNT_MINOR_MAX):
                case.body["amount"] = 1


def _ask_for_a_near_page(case: schemathesis.Case[Any]) -> None:
    """Let a page and a limit that are right each be right together."""
    query = case.query or {}
    with suppress(KeyError, TypeError, ValueError):
        # Wrong ones stay wrong.
        if int(query["page"]) * int(query.get("limit", PAGE_LIMIT_DEFAULT)) > NUMBERED_ROWS_MAX:
            case.query = {**query, "page": 1}


def _ask_about_a_sale(case: schemathesis.Case[Any]) -> None:
    """Let what is asked about a sale be right together: there are no more installments than minor units, or cards'."""
    query = case.query or {}
    with suppress(KeyError, TypeError, ValueError):
        # Wrong ones stay wrong.
        amount = int(query.get("amount", INSTALLMENTS_MAX))
        if int(query["installments"]) > (1 if query.get("payment_method") == "debit_card" else amount):
            case.query = {**query, "installments": 1}


def _as_read(value: Any) -> Any:
    """Return the value as the API reads it: a whole number of more than 64 bits is a float, with other digits."""
    try:
        return orjson.loads(json.dumps(value))
    except ValueError:
        # Refused as a whole.
        return value


def _correct(body: dict[str, Any]) -> None:
    for name, value in body.items():
        if isinstance(value, float) and value.is_integer():
            # To JSON Schema, 1.0 is an integer; to the contract it is a float. Its digits are looked at below.
            body[name] = int(value)
    number = body.get("card_number")
    for name in body.keys() - TransactionBody.model_fields.keys():
        texts = (name, *texts_in(_as_read(body[name])))
        if any(holds_card_data(text, number=str(number or "") or None) for text in texts):
            # What is not known is ignored, but for card data.
            del body[name]
    for name, value in body.items():
        if name in FREE_TEXT and isinstance(value, str) and holds_card_data(value, number=str(number or "") or None):
            body[name] = "x" * len(value)
    with suppress(KeyError, TypeError, ValueError):
        # An amount may be a string of digits; wrong ones stay wrong.
        if int(body["installments"]) > int(body["amount"]) > 0:
            body["installments"] = 1
