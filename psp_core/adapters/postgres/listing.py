"""Newest-first lists of one merchant's rows, by keyset. Ids rise with time, so they are the sort key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from psp_core.domain.kernel.ids import first_id_at
from psp_core.domain.kernel.paging import Page

_ALMOST_A_MILLISECOND = timedelta(microseconds=999)
# A day and more: no time zone has ever been as far from UTC.
_INSTANT_FROM = "payment_at >= (%s::date - interval '24 hours') AT TIME ZONE 'UTC'"
_INSTANT_BEFORE = "payment_at < (%s::date + interval '24 hours') AT TIME ZONE 'UTC'"
_INSTANT_UNTIL = "payment_at < (%s::date + interval '48 hours') AT TIME ZONE 'UTC'"


@dataclass(slots=True)
class Conditions:
    """Collects a list's conditions. Column names come from this package only, values are parameters."""

    customer_id: str
    _texts: list[str] = field(default_factory=list)
    _values: list[Any] = field(default_factory=list)

    def add(self, text: str, *values: Any) -> None:
        self._texts.append(text)
        self._values += values

    def equal(self, column: str, value: Any) -> None:
        if value is not None:
            self.add(f"{column} = %s", str(value))

    def from_source(self, source_id: UUID | None) -> None:
        """Bound to what comes from the refund, or the transaction itself, with this id."""
        if source_id is not None:
            self.add("(source_id = %s OR transaction_id = %s AND source_id IS NULL)", source_id, source_id)

    def of_transactions(self, *, reference: str | None) -> None:
        """Bound to the merchant's transactions with this reference."""
        if reference is not None:
            self.add(
                "transaction_id IN (SELECT id FROM transactions WHERE customer_id = %s AND reference = %s)",
                self.customer_id,
                reference,
            )

    def with_a_payable(
        self, *, settlement_id: UUID | None, due_from: datetime | None, due_before: datetime | None
    ) -> None:
        """Bound to the merchant's transactions that have such a payable."""
        payables = Conditions(self.customer_id)
        payables.equal("settlement_id", settlement_id)
        payables.within("payment_at", due_from, due_before)
        if payables._texts:
            where = " AND ".join(["customer_id = %s", *payables._texts])
            self.add(f"id IN (SELECT transaction_id FROM payables WHERE {where})", self.customer_id, *payables._values)

    def between(self, column: str, least: int | None, most: int | None) -> None:
        if least is not None:
            self.add(f"{column} >= %s", least)
        if most is not None:
            self.add(f"{column} <= %s", most)

    def within(self, column: str, start: Any, end: Any) -> None:
        if start is not None:
            self.add(f"{column} >= %s", start)
        if end is not None:
            self.add(f"{column} < %s", end)

    def due(self, day: date | None, *, start: date | None, end: date | None) -> None:
        """Bound the due date, and with it the payment's instant, of which it is the day.

        The instant is in the list's own index, the date is not. In which time zone it is a day is not known here, so
        the instant is bound as widely as any zone needs, and the date tells exactly.
        """
        self.equal("due_on", day)
        self.within("due_on", start, end)
        for text, bound in (
            (_INSTANT_FROM, day),
            (_INSTANT_UNTIL, day),
            (_INSTANT_FROM, start),
            (_INSTANT_BEFORE, end),
        ):
            if bound is not None:
                self.add(text, bound)

    def created(self, start: datetime | None, end: datetime | None) -> None:
        """Bound the creation time through the id, which begins with it: the list's own index serves.

        Rows are created at whole milliseconds, so a bound between two of them means the later one.
        """
        if start is not None:
            self.add("id >= %s", first_id_at(start + _ALMOST_A_MILLISECOND))
        if end is not None:
            self.add("id < %s", first_id_at(end + _ALMOST_A_MILLISECOND))

    def newest_first(self, connection: Connection, table: str, columns: str, page: Page) -> Sequence[Row[Any]]:
        if page.after is not None:
            self.add("id < %s", page.after)
        where = " AND ".join(["customer_id = %s", *self._texts])
        return connection.exec_driver_sql(
            f"SELECT {columns} FROM {table} WHERE {where} ORDER BY id DESC LIMIT %s OFFSET %s",
            (self.customer_id, *self._values, page.limit, page.offset),
        ).all()
