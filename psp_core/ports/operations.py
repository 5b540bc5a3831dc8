"""The books, what people did by hand, and how people are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.errors import Discrepancy
from psp_core.domain.operations.operator_actions import OperatorAction, Outcome


class Books(Protocol):
    def discrepancies(self, *, zone: ZoneInfo, limit: int, now: datetime) -> list[Discrepancy]:
        """Return at most `limit` violations of each rule, by what was recorded since the last sealed day.

        The calendar days are those of `zone`. It is of one snapshot, and costs what changed.
        """
        ...

    def months(self, *, now: datetime) -> list[tuple[date, date]]:
        """Return the first days of each month of history and of the one after it."""
        ...

    def discrepancies_of_month(
        self, month: date, following: date, *, zone: ZoneInfo, limit: int, now: datetime
    ) -> list[Discrepancy]:
        """Return at most `limit` violations of each rule, by what was recorded in a month; of one snapshot."""
        ...

    def discrepancies_of_balances(self, *, limit: int) -> list[Discrepancy]:
        """Return at most `limit` violations of each rule about all balances and postings; of one snapshot."""
        ...


class OperatorActions(Protocol):
    def add(self, record: OperatorAction) -> None:
        """Store the action; does nothing when the same run has recorded it before."""
        ...

    def finish(self, id: UUID, *, outcome: Outcome, detail: str, at: datetime) -> None:
        """Add how the action ended: once, and never changed."""
        ...

    def newest(
        self, *, limit: int, action: str | None, since: datetime | None, before: datetime | None
    ) -> Sequence[OperatorAction]:
        """Return the latest actions, newest first; `action` may be the first words of several."""
        ...


class PlatformSettings(Protocol):
    """What is decided once for a database, because its rows depend on it."""

    def time_zone(self) -> str | None:
        """Return the time zone whose days the due dates are; None when none was kept yet."""
        ...

    def keep_time_zone(self, name: str) -> str:
        """Keep the time zone, unless another one is kept and there are transactions; return the kept one.

        Raises TimeZoneChanged when the database does not know it, or has due dates of other days.
        """
        ...


class Alarms(Protocol):
    def send(self, *, subject: str, text: str, link: str) -> None:
        """Tell people that something needs them. Raises AlarmNotDelivered when nobody could be told, after some
        attempts: the same alarm may be sent later."""
        ...
