"""What an idempotency key stands for: a hash of the request as the wire means it, with a version.

Of the wire's form, and not of what is stored: a release that stores more, or names brands better, must know the
requests of the one before. Never of a whole card number, nor of its code: even from a hash they could be guessed.
Unknown fields are left out, since they may hold anything.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from psp_api.intake.transaction_body import TransactionBody
from psp_core.domain.kernel.money import Currency

Through = Callable[[Sequence[TransactionBody]], Iterator[TransactionBody]]
VERSION = 2
_BEGINNING, _END = 2, 4

# How version 1 named brands; the first match wins.
_BRAND_OF_VERSION_1 = re.compile(
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


def request_hash(route: str, bodies: Sequence[TransactionBody], *, through: Through = iter) -> bytes:
    """Return the version in a byte, and the SHA-256 of the request in canonical JSON.

    A new field belongs to the request only where it is sent, so that it changes no hash of a request without it.
    A change to any other's form is a new version, and the code of this one stays as long as keys are kept.
    They are read as `through` yields them.
    """
    canonical = {"route": route, "transactions": [_canonical(body) for body in through(bodies)]}
    return bytes([VERSION]) + hashlib.sha256(orjson.dumps(canonical, option=orjson.OPT_SORT_KEYS)).digest()


def request_hash_of_version_1(
    route: str, bodies: Sequence[TransactionBody], *, customer_id: str, currency: Currency
) -> bytes:
    """Return the hash that releases up to 0.1 stored: of their row, without a version."""
    kept = [route, [_row_of_version_1(body, customer_id, currency) for body in bodies]]
    return hashlib.sha256(orjson.dumps(kept)).digest()


def _canonical(body: TransactionBody) -> dict[str, Any]:
    number = body.card_number
    fields = {
        "amount": body.amount,
        "card_expiration_date": body.card_expiration_date,
        "card_holder_name": body.card_holder_name,
        "card_number": [number[:_BEGINNING], number[-_END:], len(number)],
        "currency": body.currency,
        "description": body.description,
        "installments": body.installments or 1,
        "payment_method": body.payment_method,
        "reference": body.reference,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _row_of_version_1(body: TransactionBody, customer_id: str, currency: Currency) -> list[Any]:
    row = body.to_new(customer_id=customer_id, currency=currency)
    brand = _BRAND_OF_VERSION_1.match(body.card_number)
    return [
        customer_id,
        row.description,
        [row.amount.minor, row.amount.currency],
        row.payment_method,
        row.card_holder_name,
        row.card_expires_on,
        row.card_last_four,
        (brand and brand.lastgroup) or "unknown",
        row.installments,
        row.reference,
    ]
