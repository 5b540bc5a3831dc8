"""API keys in Postgres: found by their public id, changed by single guarded statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, CursorResult, RowMapping

from psp_core.adapters.postgres.schema.tables import api_keys
from psp_core.domain.access import ApiKey, KeyMode, Scope

# A key's fields are called as its columns.
_NAMES = [column.name for column in api_keys.columns]
_COLUMNS = ", ".join(_NAMES)

_ADD = f"INSERT INTO api_keys ({_COLUMNS}) VALUES ({', '.join(f'%({name})s' for name in _NAMES)})"

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
        return [_api_key(row) for row in rows.mappings()]

    def revoke(self, id: str, *, now: datetime) -> ApiKey | None:
        return _one(self.connection.exec_driver_sql(_REVOKE, (now, id)))

    def expire(self, id: str, *, at: datetime, now: datetime) -> ApiKey | None:
        return _one(self.connection.exec_driver_sql(_EXPIRE, {"id": id, "at": at, "now": now}))

    def note_use(self, id: str, *, at: datetime, unless_after: datetime) -> None:
        self.connection.exec_driver_sql(_NOTE_USE, {"id": id, "at": at, "unless_after": unless_after})


def _values(key: ApiKey) -> dict[str, Any]:
    fields = {name: getattr(key, name) for name in _NAMES}
    return fields | {"mode": key.mode.value, "scopes": sorted(key.scopes)}


def _one(rows: CursorResult[Any]) -> ApiKey | None:
    return next(map(_api_key, rows.mappings()), None)


def _api_key(row: RowMapping) -> ApiKey:
    members = {"mode": KeyMode(row["mode"]), "scopes": frozenset(map(Scope, row["scopes"]))}
    return ApiKey(**{**row, **members, "token_hmac": bytes(row["token_hmac"])})
