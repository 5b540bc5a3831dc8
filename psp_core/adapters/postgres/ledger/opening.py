"""What existed before there was a ledger, in Postgres: payables without an entry, found by their ids."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.journal import Existing
from psp_core.domain.ledger.opening import FIRST, Opening

_READ = "SELECT opened_until, opening_ended_at IS NOT NULL FROM ledger_state"
_ADD = "INSERT INTO ledger_state (opened_until, opening_ended_at) VALUES (%s, now()) ON CONFLICT DO NOTHING"

_END_OF_RANGE = """
SELECT id FROM (SELECT id FROM payables WHERE id > %s AND id < %s ORDER BY id LIMIT %s) AS range
ORDER BY id DESC LIMIT 1
"""

# A settlement of before has no entry of its own; one of the ledger's posts what it pays from pending to settling.
_EXISTING = """
SELECT (payables.created_at AT TIME ZONE %(zone)s)::date, payables.customer_id, payables.currency,
       payment_method = 'debit_card' OR settlements.opened_entry_id IS NOT DISTINCT FROM %(first)s::uuid,
       sum(payables.fee_minor)::bigint, sum(receivable_minor)::bigint
FROM payables LEFT JOIN settlements ON settlements.id = settlement_id
WHERE payables.id > %(after)s AND payables.id <= %(until)s AND payables.entry_id IS NULL
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
"""

_HAS_UNBOOKED = "SELECT EXISTS (SELECT FROM payables WHERE id > %s AND entry_id IS NULL)"

_ADVANCE = """
UPDATE ledger_state SET opened_until = %s, opening_ended_at = coalesce(opening_ended_at, %s)
"""


def read(connection: Connection) -> Opening:
    """Return how far it is. Without a row there was nothing to open."""
    row = connection.exec_driver_sql(_READ).one_or_none()
    return Opening(row[0], row[1]) if row else Opening(FIRST, is_ended=True)


def hold(connection: Connection) -> Opening:
    """Return how far it is, and let nobody else go on with it before the end of the commit."""
    connection.exec_driver_sql(_ADD, (FIRST,))
    row = connection.exec_driver_sql(f"{_READ} FOR UPDATE").one()
    return Opening(row[0], row[1])


def end_of_range(connection: Connection, *, after: UUID, before: UUID, limit: int) -> UUID | None:
    found: UUID | None = connection.exec_driver_sql(_END_OF_RANGE, (after, before, limit)).scalar_one_or_none()
    return found


def existing(connection: Connection, *, after: UUID, until: UUID, zone: ZoneInfo) -> list[Existing]:
    rows = connection.exec_driver_sql(_EXISTING, {"zone": zone.key, "first": FIRST, "after": after, "until": until})
    return [
        Existing(day, customer_id, Currency(currency), is_available=is_available, fee_minor=fee, net_minor=net)
        for day, customer_id, currency, is_available, fee, net in rows
    ]


def has_unbooked(connection: Connection, *, after: UUID) -> bool:
    found: bool = connection.exec_driver_sql(_HAS_UNBOOKED, (after,)).scalar_one()
    return found


def advance(connection: Connection, *, until: UUID, ended_at: datetime | None) -> None:
    connection.exec_driver_sql(_ADVANCE, (until, ended_at))
