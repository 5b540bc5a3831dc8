"""The transactional outbox: one row a commit, holding the ids of everything that was stored in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from psp_core.adapters.postgres import arrays
from psp_core.domain.events import OutboxDepth, OutboxEntry


@dataclass(frozen=True, slots=True)
class PostgresOutbox:
    connection: Connection

    def add(self, transaction_ids: Sequence[UUID], *, now: datetime, traceparent: str | None) -> None:
        self.connection.exec_driver_sql(
            "INSERT INTO outbox (transaction_ids, traceparent, created_at) VALUES (%s::uuid[], %s, %s)",
            (arrays.uuids(transaction_ids), traceparent, now),
        )

    def claim(self, *, limit: int) -> list[OutboxEntry]:
        rows = self.connection.exec_driver_sql(
            "SELECT id, transaction_ids, created_at, traceparent FROM outbox"
            " ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED",
            (limit,),
        )
        return [OutboxEntry(**row) for row in rows.mappings()]

    def delete(self, ids: Sequence[int]) -> None:
        self.connection.exec_driver_sql("DELETE FROM outbox WHERE id = ANY(%s)", (list(ids),))

    def depth(self, *, now: datetime) -> OutboxDepth:
        entries, oldest = self.connection.exec_driver_sql("SELECT count(*), min(created_at) FROM outbox").one()
        return OutboxDepth(entries, max((now - oldest).total_seconds(), 0.0) if oldest else 0.0)
