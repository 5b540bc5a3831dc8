"""What the document cannot say in JSON Schema."""

from __future__ import annotations

import re
import uuid
from typing import Any

import schemathesis
from hypothesis import strategies

from psp_api.wire.headers import IDEMPOTENCY_KEY_PATTERN

IDEMPOTENCY_KEY = re.compile(IDEMPOTENCY_KEY_PATTERN)


def with_check_digit(digits: str) -> str:
    """Return the digits with the one that makes them pass."""
    doubled = [int(digit) * (2 if index % 2 == 0 else 1) for index, digit in enumerate(reversed(digits))]
    return digits + str(-sum(value // 10 + value % 10 for value in doubled) % 10)


card_numbers = strategies.text("0123456789", min_size=11, max_size=18).map(with_check_digit)
schemathesis.openapi.format("card-number", card_numbers)


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Give every request a key of its own: the same one for another body is refused, and rightly."""
    headers = case.headers or {}
    if IDEMPOTENCY_KEY.fullmatch(headers.get("Idempotency-Key", "")):
        headers["Idempotency-Key"] = uuid.uuid4().hex
