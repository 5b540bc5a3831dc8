"""Idempotency keys: the primary key decides which of two rivals was first."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from psp_core.domain.idempotency import FirstAnswer, IdempotencyKey, KeyClaim

# Ordered, so that two commits with keys in common wait for each other and do not deadlock.
_CLAIM = """
INSERT INTO idempotency_keys (customer_id, key, request_hash, answer, created_at)
SELECT customer_id, key, request_hash, answer, %s
FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::bytea[]) AS claim (customer_id, key, request_hash, answer)
ORDER BY customer_id COLLATE "C", key COLLATE "C"
ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO NOTHING
RETURNING customer_id, key
"""

_FIRST_ANSWERS = """
SELECT customer_id, key, request_hash, answer
FROM unnest(%s::text[], %s::text[]) AS wanted (customer_id, key)
JOIN idempotency_keys USING (customer_id, key)
"""

_PURGE = """
DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM idempotency_keys WHERE created_at < %s ORDER BY created_at LIMIT %s
))
"""

# What Postgres would compress anyway, and more slowly, after half a megabyte had gone to it as text.
_PACKED_FROM_BYTES = 2_000
_FASTEST = 1
# How zlib's data begins, and JSON never does.
_PACKED_BEGINS = b"x"


@dataclass(frozen=True, slots=True)
class PostgresIdempotencyKeys:
    connection: Connection

    def claim(self, claims: Sequence[KeyClaim], *, now: datetime) -> set[IdempotencyKey]:
        by_identity = {(claim.key.customer_id, claim.key.key): claim.key for claim in claims}
        rows = self.connection.exec_driver_sql(
            _CLAIM,
            (
                now,
                [claim.key.customer_id for claim in claims],
                [claim.key.key for claim in claims],
                [claim.key.request_hash for claim in claims],
                [_packed(claim.answer) for claim in claims],
            ),
        )
        return {by_identity[row[0], row[1]] for row in rows}

    def first_answers(self, keys: Sequence[IdempotencyKey]) -> Mapping[tuple[str, str], FirstAnswer]:
        rows = self.connection.exec_driver_sql(
            _FIRST_ANSWERS, ([key.customer_id for key in keys], [key.key for key in keys])
        )
        return {(row[0], row[1]): FirstAnswer(bytes(row[2]), _unpacked(bytes(row[3]))) for row in rows}

    def purge(self, *, created_before: datetime, limit: int) -> int:
        return self.connection.exec_driver_sql(_PURGE, (created_before, limit)).rowcount


def _packed(answer: bytes) -> bytes:
    return zlib.compress(answer, _FASTEST) if len(answer) >= _PACKED_FROM_BYTES else answer


def _unpacked(stored: bytes) -> bytes:
    return zlib.decompress(stored) if stored.startswith(_PACKED_BEGINS) else stored
