"""Write-offs in Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from psp_core.adapters.postgres.columns import Amount, Record
from psp_core.adapters.postgres.schema import tables
from psp_core.domain.ledger.write_offs import WriteOff

WRITE_OFFS = Record(WriteOff, tables.write_offs, {"amount": Amount("amount_minor", with_currency=True)})

_ADD = f"INSERT INTO write_offs ({WRITE_OFFS.names}) SELECT {WRITE_OFFS.names} FROM {WRITE_OFFS.unnest}"
_HOLD = f"SELECT {WRITE_OFFS.names} FROM write_offs WHERE id = %s FOR NO KEY UPDATE"
_RELEASE = "UPDATE write_offs SET released_by = %s, released_at = %s, entry_id = %s WHERE id = %s"


@dataclass(frozen=True, slots=True)
class PostgresWriteOffs:
    connection: Connection

    def add(self, write_off: WriteOff) -> None:
        self.connection.exec_driver_sql(_ADD, tuple(WRITE_OFFS.literals([write_off])))

    def hold(self, id: UUID) -> WriteOff | None:
        return next(iter(WRITE_OFFS.read(self.connection.exec_driver_sql(_HOLD, (id,)).all())), None)

    def release(self, id: UUID, *, by: str, at: datetime, entry_id: UUID) -> None:
        self.connection.exec_driver_sql(_RELEASE, (by, at, entry_id, id))
