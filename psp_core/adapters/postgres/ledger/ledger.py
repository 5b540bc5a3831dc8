"""The ledger in Postgres, as the use cases see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from psp_core.adapters.postgres.ledger import opening, reading, seals
from psp_core.adapters.postgres.ledger.posting import hold, post
from psp_core.adapters.postgres.ledger.write_offs import PostgresWriteOffs
from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.accounts import Account
from psp_core.domain.ledger.balances import Balance, Debt, EntryView
from psp_core.domain.ledger.entries import Entry
from psp_core.domain.ledger.journal import Existing
from psp_core.domain.ledger.opening import Opening
from psp_core.domain.ledger.sealing import SealedDay


@dataclass(frozen=True, slots=True)
class PostgresLedger:
    connection: Connection

    @property
    def write_offs(self) -> PostgresWriteOffs:
        return PostgresWriteOffs(self.connection)

    def post(self, entries: Sequence[Entry], *, today: date) -> None:
        post(self.connection, entries, today=today)

    def hold_balance(self, customer_id: str, currency: Currency) -> Balance:
        return hold(self.connection, customer_id, currency)

    def close_days(self, *, until: date) -> None:
        seals.close(self.connection, until)

    def first_day(self) -> date | None:
        return seals.first_day(self.connection)

    def last_sealed(self) -> SealedDay | None:
        return seals.last_sealed(self.connection)

    def sealed_days(self, *, since: date | None, limit: int) -> list[SealedDay]:
        return seals.sealed_days(self.connection, since=since, limit=limit)

    def entries_of(self, day: date) -> Iterator[Entry]:
        return seals.entries(self.connection, day)

    def moved_on(self, day: date) -> list[tuple[Currency, Account, int, int]]:
        return seals.moved(self.connection, day)

    def most_moved_on(self, day: date, *, limit: int) -> list[tuple[str, Currency, int]]:
        return seals.largest(self.connection, day, limit=limit)

    def add_sealed(self, sealed: SealedDay) -> None:
        seals.add(self.connection, sealed)

    def find(self, id: UUID) -> Entry | None:
        return reading.entry(self.connection, id)

    def view(self, id: UUID) -> EntryView | None:
        return reading.view(self.connection, id)

    def reversed_by(self, id: UUID) -> UUID | None:
        return reading.reversed_by(self.connection, id)

    def balances(self, customer_id: str) -> list[Balance]:
        return reading.balances(self.connection, customer_id)

    def debts(self, *, limit: int) -> list[Debt]:
        return reading.debts(self.connection, limit=limit)

    def last_day(self) -> date | None:
        return seals.last_day(self.connection)

    def all_accounts(self) -> Iterator[tuple[Account, str | None]]:
        return reading.all_accounts(self.connection)

    def all_balances(self) -> Iterator[tuple[str, Balance]]:
        return reading.all_balances(self.connection)

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
