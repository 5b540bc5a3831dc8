"""The ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.accounts import Account
from psp_core.domain.ledger.balances import Balance, Debt, EntryView
from psp_core.domain.ledger.entries import Entry
from psp_core.domain.ledger.journal import Existing
from psp_core.domain.ledger.opening import Opening
from psp_core.domain.ledger.sealing import SealedDay
from psp_core.domain.ledger.write_offs import WriteOff


class WriteOffs(Protocol):
    def add(self, write_off: WriteOff) -> None: ...

    def hold(self, id: UUID) -> WriteOff | None:
        """Return it, and let nobody else release it before the end of the commit."""
        ...

    def release(self, id: UUID, *, by: str, at: datetime, entry_id: UUID) -> None:
        """Say who released it, when, and which entry posts it."""
        ...


class Ledger(Protocol):
    @property
    def write_offs(self) -> WriteOffs: ...

    def post(self, entries: Sequence[Entry], *, today: date) -> None:
        """Write the entries and change the stored balances, each once; nothing for no entries.

        What becomes available repays the merchant's debt first, by an entry of `today`. Raises InsufficientFunds when a
        balance would fall below what is allowed.

        The last thing in a commit, and once in it: from here on it holds its merchants' balances. An entry of a day
        that is closed is effective on the day after it.
        """
        ...

    def hold_balance(self, customer_id: str, currency: Currency) -> Balance:
        """Return the merchant's balance, and let nobody else change it before the end of the commit.

        Comes after every other lock of the commit, and before its posting.
        """
        ...

    def close_days(self, *, until: date) -> None:
        """Close the days up to `until`, waiting for every commit that has posted; `hold_opening` comes before.

        Whoever posts later is effective on a later day.
        """
        ...

    def first_day(self) -> date | None:
        """Return the earliest business date of an entry."""
        ...

    def last_sealed(self) -> SealedDay | None: ...

    def sealed_days(self, *, since: date | None, limit: int) -> list[SealedDay]:
        """Return the first sealed days from `since` on; None means from the first."""
        ...

    def entries_of(self, day: date) -> Iterator[Entry]:
        """Yield the entries of a business date, in the order of their ids, each with its postings in one order.

        Raises ValueError for an entry that does not balance.
        """
        ...

    def moved_on(self, day: date) -> list[tuple[Currency, Account, int, int]]:
        """Return the day's debits and credits, in minor units, on each account."""
        ...

    def most_moved_on(self, day: date, *, limit: int) -> list[tuple[str, Currency, int]]:
        """Return the merchants with the most moved on a day, in minor units, largest first."""
        ...

    def add_sealed(self, sealed: SealedDay) -> None:
        """Add the day to the chain, with the balance at its end of each merchant who had postings on it."""
        ...

    def find(self, id: UUID) -> Entry | None: ...

    def view(self, id: UUID) -> EntryView | None: ...

    def reversed_by(self, id: UUID) -> UUID | None:
        """Return the entry that mirrors this one, if any."""
        ...

    def balances(self, customer_id: str) -> list[Balance]:
        """Return what the merchant has, a balance a currency."""
        ...

    def debts(self, *, limit: int) -> list[Debt]:
        """Return what merchants owe, those who have owed for the longest time first."""
        ...

    def last_day(self) -> date | None:
        """Return the latest business date of an entry."""
        ...

    def all_accounts(self) -> Iterator[tuple[Account, str | None]]:
        """Yield every account that has a posting, with its merchant."""
        ...

    def all_balances(self) -> Iterator[tuple[str, Balance]]:
        """Yield every merchant's balances."""
        ...

    def opening(self) -> Opening: ...

    def hold_opening(self) -> Opening:
        """Return how far the opening is, and let nobody else go on with it before the end of the commit."""
        ...

    def end_of_range(self, *, after: UUID, before: UUID, limit: int) -> UUID | None:
        """Return the last of the next payables after an id, at most `limit` of them; None when there are none."""
        ...

    def existing(self, *, after: UUID, until: UUID, zone: ZoneInfo) -> list[Existing]:
        """Return what the payables of the range that have no entry amount to, by day, merchant and currency."""
        ...

    def has_unbooked(self, *, after: UUID) -> bool:
        """Tell whether there is a payable after the id that has no entry."""
        ...

    def advance_opening(self, *, until: UUID, ended_at: datetime | None) -> None:
        """Say that every payable up to the id is booked, and when the opening has ended."""
        ...
