"""Idempotency keys: the primary key decides which of two rivals was first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from psp_core.adapters.postgres.intake.acceptance import unpacked
from psp_core.domain.intake.idempotency import FirstAnswer, IdempotencyKey, KeyClaim

_FIRST_ANSWERS = """
SELECT customer_id, key, request_hash, answer
FROM unnest(%s::text[], %s::text[]) AS wanted (customer_id, key)
JOIN idempotency_keys USING (customer_id, key)
"""

_CLAIM = """
INSERT INTO idempotency_keys (customer_id, key, request_hash, answer, created_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO NOTHING
"""

_PURGE = """
DELETE FROM idempotency_keys WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM idempotency_keys WHERE created_at < %s ORDER BY created_at LIMIT %s
))
"""


@dataclass(frozen=True, slots=True)
class PostgresIdempotencyKeys:
    connection: Connection

    def first_answers(self, keys: Sequence[IdempotencyKey]) -> Mapping[tuple[str, str], FirstAnswer]:
        rows = self.connection.exec_driver_sql(
            _FIRST_ANSWERS, ([key.customer_id for key in keys], [key.key for key in keys])
        )
        return {(row[0], row[1]): FirstAnswer(bytes(row[2]), unpacked(bytes(row[3]))) for row in rows}

    def claim(self, claim: KeyClaim, *, now: datetime) -> bool:
        key = claim.key
        values = (key.customer_id, key.key, key.request_hash, claim.answer, now)
        return self.connection.exec_driver_sql(_CLAIM, values).rowcount == 1

    def purge(self, *, created_before: datetime, limit: int) -> int:
        return self.connection.exec_driver_sql(_PURGE, (created_before, limit)).rowcount
