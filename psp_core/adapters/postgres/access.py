"""API keys in Postgres: found by their public id, changed by single guarded statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from psp_core.domain.access import ApiKey, KeyMode, Scope

_COLUMNS = "id, customer_id, mode, scopes, token_hmac, created_at, expires_at, revoked_at, last_used_at"

_ADD = f"INSERT INTO api_keys ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"

_FIND = f"SELECT {_COLUMNS} FROM api_keys WHERE id = %s"

_LIST = f"""
SELECT {_COLUMNS} FROM api_keys
WHERE %(customer_id)s::text IS NULL OR customer_id = %(customer_id)s
ORDER BY customer_id, created_at, id LIMIT %(limit)s
"""

_REVOKE = f"""
UPDATE api_keys SET revoked_at = coalesce(revoked_at, %s) WHERE id = %s RETURNING {_COLUMNS}
"""

# The guard decides between a rotation and a revocation at the same moment; an end is only ever brought forward.
_EXPIRE = f"""
UPDATE api_keys SET expires_at = least(expires_at, %(at)s)
WHERE id = %(id)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(now)s)
RETURNING {_COLUMNS}
"""

# Guarded again, because every process notes the use of a key by itself.
_NOTE_USE = """
UPDATE api_keys SET last_used_at = %(at)s
WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at <= %(unless_after)s)
"""


@dataclass(frozen=True, slots=True)
class PostgresApiKeys:
    connection: Connection

    def add(self, key: ApiKey) -> None:
        self.connection.exec_driver_sql(_ADD, _values(key))

    def find(self, id: str) -> ApiKey | None:
        return _one(self.connection.exec_driver_sql(_FIND, (id,)))

    def list(self, *, customer_id: str | None, limit: int) -> Sequence[ApiKey]:
        rows = self.connection.exec_driver_sql(_LIST, {"customer_id": customer_id, "limit": limit})
        return [_api_key(row) for row in rows]

    def revoke(self, id: str, *, now: datetime) -> ApiKey | None:
        return _one(self.connection.exec_driver_sql(_REVOKE, (now, id)))

    def expire(self, id: str, *, at: datetime, now: datetime) -> ApiKey | None:
        return _one(self.connection.exec_driver_sql(_EXPIRE, {"id": id, "at": at, "now": now}))

    def note_use(self, id: str, *, at: datetime, unless_after: datetime) -> None:
        self.connection.exec_driver_sql(_NOTE_USE, {"id": id, "at": at, "unless_after": unless_after})


def _values(key: ApiKey) -> tuple[Any, ...]:
    return (
        key.id,
        key.customer_id,
        key.mode.value,
        sorted(key.scopes),
        key.token_hmac,
        key.created_at,
        key.expires_at,
        key.revoked_at,
        key.last_used_at,
    )


def _one(rows: Iterable[Row[Any]]) -> ApiKey | None:
    return next(map(_api_key, rows), None)


def _api_key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        customer_id=row.customer_id,
        mode=KeyMode(row.mode),
        scopes=frozenset(map(Scope, row.scopes)),
        token_hmac=bytes(row.token_hmac),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
