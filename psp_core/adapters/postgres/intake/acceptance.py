"""A group commit in one statement: keys, transactions and outbox entry in one round trip, all or nothing.

Three statements between BEGIN and COMMIT took the API twice the CPU, and every wait gave its interpreter away.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection

from psp_core.adapters.postgres import arrays
from psp_core.adapters.postgres.intake.transactions import TRANSACTIONS
from psp_core.domain.intake.idempotency import Intake

_NAME = "psp_accept"
_WITHOUT_KEY = 0

_KEY_TYPES = {"number": "int", "customer_id": "text", "key": "text", "request_hash": "text", "answer": "text"}
# The outbox takes the first two.
_ROW_TYPES = {"number": "int", "id": "uuid", **TRANSACTIONS.types}
_TYPES = [*(f"{type}[]" for type in (*_KEY_TYPES.values(), *_ROW_TYPES.values())), "timestamptz", "text"]


def _statement(placeholders: list[str]) -> str:
    keys, rows = placeholders[: len(_KEY_TYPES)], placeholders[len(_KEY_TYPES) : -2]
    now, traceparent = placeholders[-2:]
    accepted = f"number = {_WITHOUT_KEY} OR number IN (SELECT number FROM won)"
    # Keys are ordered, so that two commits with keys in common wait for each other and do not deadlock. Nothing that
    # was inserted into `transactions` is asked back: the API's login may not read them.
    return f"""
WITH requests AS MATERIALIZED (
    SELECT * FROM unnest({", ".join(keys)}) AS sent ({", ".join(_KEY_TYPES)})
), claimed AS (
    INSERT INTO idempotency_keys (customer_id, key, request_hash, answer, created_at)
    SELECT customer_id, key, decode(request_hash, 'hex'), decode(answer, 'hex'), {now} FROM requests
    ORDER BY customer_id COLLATE "C", key COLLATE "C"
    ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO NOTHING
    RETURNING customer_id, key
), won AS (
    SELECT number FROM requests JOIN claimed USING (customer_id, key)
), added AS (
    INSERT INTO transactions ({TRANSACTIONS.names})
    SELECT {TRANSACTIONS.names} FROM unnest({", ".join(rows)}) AS sent ({", ".join(_ROW_TYPES)})
    WHERE {accepted}
), entered AS (
    INSERT INTO outbox (transaction_ids, traceparent, created_at)
    SELECT array_agg(id ORDER BY id), {traceparent}, {now} FROM unnest({", ".join(rows[:2])}) AS sent (number, id)
    WHERE {accepted} HAVING count(*) > 0
)
SELECT number FROM won
"""


_NUMBERS = range(1, len(_TYPES) + 1)
_PLAIN = _statement([f"%({number})s::{type}" for number, type in zip(_NUMBERS, _TYPES, strict=True)])
_PREPARE = f"PREPARE {_NAME} ({', '.join(_TYPES)}) AS {_statement([f'${number}' for number in _NUMBERS])}"
_EXECUTE = f"EXECUTE {_NAME} ({', '.join(f'%({number})s' for number in _NUMBERS)})"

# What Postgres would compress anyway, and more slowly, after half a megabyte had gone to it as text.
_PACKED_FROM_BYTES = 2_000
_FASTEST = 1
# How zlib's data begins, and JSON never does.
_PACKED_BEGINS = b"x"


def accept(
    connection: Connection, intakes: Sequence[Intake], *, now: datetime, traceparent: str | None, prepares: bool
) -> list[bool]:
    """Tell of each whether it was stored; the connection commits by itself.

    A statement that is prepared takes the server two thirds of the time, but its connection must not be
    another one each time, as behind a pooler it may be.
    """
    if prepares and _NAME not in connection.info:
        connection.exec_driver_sql(_PREPARE)
        # Forgotten with the connection to the server.
        connection.info[_NAME] = True
    sent = (*_keys(intakes), *_rows(intakes), now, traceparent)
    values = {str(number): value for number, value in zip(_NUMBERS, sent, strict=True)}
    won = {number for (number,) in connection.exec_driver_sql(_EXECUTE if prepares else _PLAIN, values)}
    return [intake.claim is None or number in won for number, intake in enumerate(intakes, start=1)]


def unpacked(stored: bytes) -> bytes:
    """Return an answer as it was given."""
    return zlib.decompress(stored) if stored.startswith(_PACKED_BEGINS) else stored


def _keys(intakes: Sequence[Intake]) -> Iterator[str]:
    claims = [(number, intake.claim) for number, intake in enumerate(intakes, start=1) if intake.claim]
    yield arrays.numbers([number for number, _ in claims])
    yield arrays.texts([claim.key.customer_id for _, claim in claims])
    yield arrays.texts([claim.key.key for _, claim in claims])
    # psycopg2 would write bytes as an expression each.
    yield arrays.texts([claim.key.request_hash.hex() for _, claim in claims])
    yield arrays.texts([_packed(claim.answer).hex() for _, claim in claims])


def _rows(intakes: Sequence[Intake]) -> Iterator[str]:
    numbers: list[int] = []
    for number, intake in enumerate(intakes, start=1):
        numbers += [number if intake.claim else _WITHOUT_KEY] * len(intake.rows)
    yield arrays.numbers(numbers)
    yield from TRANSACTIONS.literals([row for intake in intakes for row in intake.rows])


def _packed(answer: bytes) -> bytes:
    return zlib.compress(answer, _FASTEST) if len(answer) >= _PACKED_FROM_BYTES else answer
