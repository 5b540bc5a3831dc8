"""Leases in Postgres: rows with a heartbeat, by the database's clock. Nothing here needs a session of its own.

A holding has a token. Taking over changes it, and to change a key Postgres waits for every commit that has looked at
the row with `require`: a holder that was taken for dead can commit nothing afterwards (docs/decisions/009).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, Row

from psp_core.adapters.postgres.errors import storage_errors
from psp_core.domain.kernel.errors import HoldLost, StorageUnavailable
from psp_core.domain.operations.leases import BEATS_PER_LEASE, Hold, Lease

_LOOK_AGAIN_S = 0.2
_RETRY_S = 1.0

_TAKE = """
INSERT INTO leases AS held (name, token, holder, first_due_on, last_due_on, taken_at, lapses_at)
SELECT %(name)s, %(token)s, %(holder)s, %(first_due_on)s, %(last_due_on)s,
    now_is.instant, now_is.instant + make_interval(secs => %(lease_s)s)
FROM (SELECT clock_timestamp() AS instant) AS now_is
ON CONFLICT ON CONSTRAINT leases_pkey DO UPDATE
SET token = excluded.token, holder = excluded.holder, first_due_on = excluded.first_due_on,
    last_due_on = excluded.last_due_on, taken_at = excluded.taken_at, lapses_at = excluded.lapses_at
WHERE held.lapses_at < clock_timestamp()
RETURNING token
"""
_OWN = "name = %(name)s AND token = %(token)s"
_RENEW = f"UPDATE leases SET lapses_at = clock_timestamp() + make_interval(secs => %(lease_s)s) WHERE {_OWN}"
_REQUIRE = f"SELECT FROM leases WHERE {_OWN} FOR KEY SHARE"
_RELEASE = f"DELETE FROM leases WHERE {_OWN}"
_HOLDER = """
SELECT holder, token, lapses_at, lapses_at < clock_timestamp() AS has_lapsed FROM leases WHERE name = %s
"""
_ALL = """
SELECT name, holder, first_due_on, last_due_on, lapses_at >= clock_timestamp() AS is_live FROM leases ORDER BY name
"""
_PURGE = "DELETE FROM leases WHERE lapses_at < clock_timestamp() - make_interval(secs => %s)"


@dataclass(frozen=True, slots=True)
class PostgresLeases:
    connection: Connection

    def require(self, hold: Hold) -> None:
        if self.connection.exec_driver_sql(_REQUIRE, {"name": hold.name, "token": hold.token}).rowcount != 1:
            raise HoldLost(hold.name)

    def all(self) -> list[Lease]:
        rows = self.connection.exec_driver_sql(_ALL)
        return [
            Lease(
                name=row.name,
                holder=row.holder,
                due_dates=None if row.first_due_on is None else (row.first_due_on, row.last_due_on),
                is_live=row.is_live,
            )
            for row in rows
        ]

    def revoke(self, holder: str) -> None:
        self.connection.exec_driver_sql("DELETE FROM leases WHERE holder = %s", (holder,))

    def purge(self, *, lapsed_for_s: float) -> int:
        return self.connection.exec_driver_sql(_PURGE, (lapsed_for_s,)).rowcount


@dataclass(slots=True)
class Holding:
    """One wish to hold something, and the thread that renews it while it is granted."""

    engine: Engine
    name: str
    holder: str
    lease_s: float
    due_dates: tuple[date, date] | None = None
    on_lost: Callable[[], None] = lambda: None
    token: UUID = field(default_factory=uuid4)
    _is_held: bool = False
    _ended: threading.Event = field(default_factory=threading.Event)

    def __bool__(self) -> bool:
        return self._is_held

    def take(self) -> bool:
        """Take it; waits for a silent holder to lapse, and not for one that gives signs of life."""
        seen: Row[Any] | None = None
        while True:
            # Looked at first: an attempt to take waits for the commit that the holder may be in.
            other = self._other()
            if (other is None or other.has_lapsed) and self._try():
                break
            if other and seen and (other.token, other.lapses_at) != (seen.token, seen.lapses_at):
                self.holder = other.holder
                return False
            seen = other or seen
            time.sleep(_LOOK_AGAIN_S)
        self._is_held = True
        threading.Thread(target=self._renew, name=f"lease of {self.name}", daemon=True).start()
        return True

    def take_when_reachable(self, *, within_s: float) -> bool:
        """Take it as soon as the database can be reached; raises StorageUnavailable after `within_s`."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                return self.take()
            except StorageUnavailable:
                if time.monotonic() > deadline:
                    raise
            time.sleep(_RETRY_S)

    def release(self) -> None:
        """Let others have it at once, or when it lapses if the database cannot be reached."""
        self._ended.set()
        self._is_held = False
        with suppress(StorageUnavailable):
            self._run(_RELEASE)

    def _try(self) -> bool:
        first, last = self.due_dates or (None, None)
        return self._run(_TAKE, holder=self.holder, first_due_on=first, last_due_on=last) == 1

    def _other(self) -> Row[Any] | None:
        with storage_errors(), self.engine.connect() as connection:
            return connection.exec_driver_sql(_HOLDER, (self.name,)).one_or_none()

    def _renew(self) -> None:
        pause_s = self.lease_s / BEATS_PER_LEASE
        while not self._ended.wait(pause_s):
            try:
                is_held = self._run(_RENEW) == 1
            except StorageUnavailable:
                # Nobody can take it over now, either.
                pause_s = min(pause_s, _RETRY_S)
                continue
            if not is_held and not self._ended.is_set():
                self._is_held = False
                self.on_lost()
                return
            pause_s = self.lease_s / BEATS_PER_LEASE

    def _run(self, statement: str, **values: object) -> int:
        own = {"name": self.name, "token": self.token, "lease_s": self.lease_s}
        with storage_errors(), self.engine.connect() as connection:
            return connection.exec_driver_sql(statement, own | values).rowcount
