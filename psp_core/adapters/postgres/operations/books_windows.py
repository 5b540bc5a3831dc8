"""The windows of time that a check of the books looks at: since the last sealed day, or a month of history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from psp_core.adapters.postgres.operations.books_scope import Window
from psp_core.domain.kernel.closing import MIDNIGHT
from psp_core.domain.kernel.ids import first_id_at

_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)
_BEGINNING, _END = datetime(1970, 1, 1, tzinfo=UTC), date(9999, 12, 31)
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

# When the entries in a range of business dates were recorded.
_BOUNDS = """
SELECT min(recorded_at) AS first, max(recorded_at) AS last
FROM ledger_entries WHERE effective_on > %s AND effective_on <= %s
"""
_SEALED = "SELECT max(day) FROM ledger_days"

# By the key of each table: one probe.
_OLDEST = """
SELECT least((SELECT id FROM payables ORDER BY id LIMIT 1), (SELECT id FROM settlements ORDER BY id LIMIT 1)),
       (SELECT min(effective_on) FROM ledger_entries), (SELECT max(effective_on) FROM ledger_entries)
"""


def since_the_seal(connection: Connection, *, zone: ZoneInfo) -> Window:
    """Return the window from the last sealed day on; all of history where no day is sealed yet."""
    sealed: date | None = connection.exec_driver_sql(_SEALED).scalar_one()
    if sealed is None:
        return Window(date.min, _END, _FIRST, _LAST, _FIRST, _LAST, _BEGINNING, _NEVER, is_small=False)
    bounds = _bounds(connection, sealed, _END)
    # What has no entry, and what was recorded before the seal and came after it.
    start = MIDNIGHT.instant(sealed, zone)
    start = min(start, bounds.first or start)
    first = first_id_at(start)
    return Window(sealed, _END, first, _LAST, first, _LAST, start, _NEVER, is_small=True)


def months(connection: Connection, *, now: datetime) -> Iterator[tuple[date, date]]:
    """Yield the first days of each month of history and of the one after it."""
    oldest, first_day, last_day = connection.exec_driver_sql(_OLDEST).one()
    starts = [day for day in (first_day, _day_of(oldest)) if day is not None]
    if not starts:
        return
    month = min(starts).replace(day=1)
    end = max(now.date() + timedelta(days=1), last_day or date.min)
    while month <= end:
        following = (month + timedelta(days=31)).replace(day=1)
        yield month, following
        month = following


def month_window(connection: Connection, month: date, following: date) -> Window:
    """Return the window of one month."""
    after, until = month - timedelta(days=1), following - timedelta(days=1)
    bounds = _bounds(connection, after, until)
    start, end = (datetime.combine(day, time(), UTC) for day in (month, following))
    made_from = min(start, bounds.first or start)
    made_before = max(end, bounds.last + _MILLISECOND if bounds.last else end)
    return Window(
        after,
        until,
        first_id_at(made_from),
        first_id_at(made_before),
        first_id_at(start),
        first_id_at(end),
        made_from,
        made_before,
        is_small=False,
    )


def _bounds(connection: Connection, after: date, until: date) -> Row[Any]:
    return connection.exec_driver_sql(_BOUNDS, (after, until)).one()


def _day_of(id: UUID | None) -> date | None:
    return None if id is None else (_BEGINNING + _MILLISECOND * (id.int >> 80)).date()
