"""The ledger in Postgres, as the use cases see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from psp_core.adapters.postgres.ledger import opening
from psp_core.adapters.postgres.ledger.posting import post
from psp_core.domain.ledger.entries import Entry
from psp_core.domain.ledger.journal import Existing
from psp_core.domain.ledger.opening import Opening


@dataclass(frozen=True, slots=True)
class PostgresLedger:
    connection: Connection

    def post(self, entries: Sequence[Entry]) -> None:
        post(self.connection, entries)

    def opening(self) -> Opening:
        return opening.read(self.connection)

    def hold_opening(self) -> Opening:
        return opening.hold(self.connection)

    def end_of_range(self, *, after: UUID, before: UUID, limit: int) -> UUID | None:
        return opening.end_of_range(self.connection, after=after, before=before, limit=limit)

    def existing(self, *, after: UUID, until: UUID, zone: ZoneInfo) -> list[Existing]:
        return opening.existing(self.connection, after=after, until=until, zone=zone)

    def has_unbooked(self, *, after: UUID) -> bool:
        return opening.has_unbooked(self.connection, after=after)

    def advance_opening(self, *, until: UUID, ended_at: datetime | None) -> None:
        opening.advance(self.connection, until=until, ended_at=ended_at)
