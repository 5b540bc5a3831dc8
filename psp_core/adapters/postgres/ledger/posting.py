"""Posting: a commit's entries, their postings and the balances that they change, in one round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from psp_core.adapters.postgres import arrays
from psp_core.domain.kernel.errors import InsufficientFunds
from psp_core.domain.ledger.accounts import Account
from psp_core.domain.ledger.entries import Entry, changes_of_balances

CLOSING_LOCK: Final = 7014
"""Held shared by each commit that posts, from its posting on, and exclusively by who closes a day."""

BALANCE_COLUMNS: Mapping[Account, str] = MappingProxyType(
    {
        Account.MERCHANT_PENDING: "pending_minor",
        Account.MERCHANT_SETTLING: "settling_minor",
        Account.MERCHANT_AVAILABLE: "available_minor",
        Account.MERCHANT_RESERVE: "reserve_minor",
        Account.PAYOUT_IN_TRANSIT: "in_transit_minor",
        Account.MERCHANT_RECEIVABLE: "debt_minor",
    }
)
"""Where the balance of each of a merchant's accounts is stored, on the side on which the account grows."""

_NAMES = ", ".join(BALANCE_COLUMNS.values())
_ADDED = ", ".join(f"{name} = balance.{name} + changed.{name}" for name in BALANCE_COLUMNS.values())
_ARRAYS = ", ".join("%s::bigint[]" for _ in BALANCE_COLUMNS)

# Three statements in one round trip, each with a snapshot of its own: what follows the lock sees what was closed
# before, and the last one sees the balances that another commit has just added. Everybody adds and changes rows in one
# order. Not ON CONFLICT DO UPDATE: the CHECKs would look at the difference and not at the balance.
_POST = f"""
SELECT pg_advisory_xact_lock_shared({CLOSING_LOCK});

INSERT INTO ledger_balances (customer_id, currency)
SELECT customer_id, currency FROM unnest(%s::text[], %s::text[]) AS sent (customer_id, currency)
ORDER BY customer_id COLLATE "C", currency
ON CONFLICT DO NOTHING;

WITH written AS (
    INSERT INTO ledger_entries (id, kind, currency, effective_on, recorded_at, source, reverses_id)
    SELECT id, kind, currency, greatest(effective_on, (SELECT closed_until + 1 FROM ledger_state)), recorded_at, source,
           reverses_id
    FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::date[], %s::timestamptz[], %s::text[], %s::uuid[])
         AS sent (id, kind, currency, effective_on, recorded_at, source, reverses_id)
), posted AS (
    INSERT INTO ledger_postings (entry_id, account, customer_id, side, amount_minor)
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::bigint[])
), changed AS MATERIALIZED (
    SELECT sent.* FROM unnest(%s::text[], %s::text[], {_ARRAYS}) AS sent (customer_id, currency, {_NAMES})
    JOIN ledger_balances AS stored ON stored.customer_id = sent.customer_id AND stored.currency = sent.currency
    ORDER BY stored.customer_id, stored.currency
    FOR NO KEY UPDATE OF stored
)
UPDATE ledger_balances AS balance SET {_ADDED}
FROM changed WHERE balance.customer_id = changed.customer_id AND balance.currency = changed.currency
"""


_NOT_ENOUGH = ("ledger_balances_negative_check", "ledger_balances_debt_check")


def post(connection: Connection, entries: Sequence[Entry]) -> None:
    """Write the entries and change the balances; the last thing in a commit, which holds those rows until its end.

    Raises InsufficientFunds when a balance would fall below what is allowed.
    """
    if not entries:
        return
    postings = [(entry.id, posting) for entry in entries for posting in entry.postings]
    changes = changes_of_balances(entries)
    merchants = arrays.texts(customer_id for customer_id, _ in changes)
    currencies = arrays.texts(currency for _, currency in changes)
    values = (
        merchants,
        currencies,
        arrays.uuids(entry.id for entry in entries),
        arrays.texts(entry.kind for entry in entries),
        arrays.texts(entry.currency for entry in entries),
        arrays.dates(entry.effective_on for entry in entries),
        arrays.instants(entry.recorded_at for entry in entries),
        arrays.texts(entry.source for entry in entries),
        arrays.uuids(entry.reverses_id for entry in entries),
        arrays.uuids(entry_id for entry_id, _ in postings),
        arrays.texts(posting.account for _, posting in postings),
        arrays.texts(posting.customer_id for _, posting in postings),
        arrays.texts(posting.side for _, posting in postings),
        arrays.numbers(posting.amount_minor for _, posting in postings),
        merchants,
        currencies,
        *(arrays.numbers(row.get(account, 0) for row in changes.values()) for account in BALANCE_COLUMNS),
    )
    try:
        connection.exec_driver_sql(_POST, values)
    except IntegrityError as error:
        if error.orig.diag.constraint_name in _NOT_ENOUGH:  # type: ignore[union-attr]
            raise InsufficientFunds("a balance would fall below what is allowed; nothing was posted") from error
        raise
