"""Posting: a commit's entries, their postings and the balances that they change, in one round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from psp_core.adapters.postgres import arrays
from psp_core.domain.kernel.errors import InsufficientFunds
from psp_core.domain.kernel.money import Currency
from psp_core.domain.ledger.accounts import Account
from psp_core.domain.ledger.balances import Balance
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
_REPAID = "greatest(changed.repaid, 0)"
_ADDED = ", ".join(
    f"{name} = balance.{name} + changed.{name}"
    + (f" - {_REPAID}" if account in (Account.MERCHANT_AVAILABLE, Account.MERCHANT_RECEIVABLE) else "")
    for account, name in BALANCE_COLUMNS.items()
)
_ARRAYS = ", ".join("%s::bigint[]" for _ in BALANCE_COLUMNS)
TAKE_CLOSING_LOCK = f"SELECT pg_advisory_xact_lock_shared({CLOSING_LOCK})"

# Three statements in one round trip, each with a snapshot of its own: what follows the lock sees what was closed
# before, and the last one sees the balances that another commit has just added. Everybody adds and changes rows in one
# order. Not ON CONFLICT DO UPDATE: the CHECKs would look at the difference and not at the balance. What would leave a
# merchant with both debt and something available repays the debt, in an entry of its own.
_POST = f"""
{TAKE_CLOSING_LOCK};

INSERT INTO ledger_balances (customer_id, currency)
SELECT customer_id, currency FROM unnest(%s::text[], %s::text[]) AS sent (customer_id, currency)
ORDER BY customer_id COLLATE "C", currency
ON CONFLICT DO NOTHING;

WITH posted AS (
    INSERT INTO ledger_postings (entry_id, account, customer_id, side, amount_minor)
    SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::bigint[])
), changed AS MATERIALIZED (
    SELECT sent.*, least(stored.available_minor + sent.available_minor, stored.debt_minor + sent.debt_minor) AS repaid
    FROM unnest(%s::text[], %s::text[], {_ARRAYS}) AS sent (customer_id, currency, {_NAMES})
    JOIN ledger_balances AS stored ON stored.customer_id = sent.customer_id AND stored.currency = sent.currency
    ORDER BY stored.customer_id, stored.currency
    FOR NO KEY UPDATE OF stored
), recovered AS MATERIALIZED (
    SELECT customer_id, currency, repaid AS amount_minor FROM changed WHERE repaid > 0
), recoveries AS MATERIALIZED (
    SELECT currency, uuid7_at(%s) AS entry_id FROM recovered GROUP BY currency
), recovery_posted AS (
    INSERT INTO ledger_postings (entry_id, account, customer_id, side, amount_minor)
    SELECT entry_id, account, customer_id, side, amount_minor FROM recovered JOIN recoveries USING (currency)
    CROSS JOIN (VALUES ('merchant_available', 'debit'), ('merchant_receivable', 'credit')) AS sides (account, side)
), written AS (
    INSERT INTO ledger_entries (id, kind, currency, effective_on, recorded_at, source, reverses_id)
    SELECT id, kind, currency, greatest(effective_on, (SELECT closed_until + 1 FROM ledger_state)), recorded_at, source,
           reverses_id
    FROM (
        SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::date[], %s::timestamptz[], %s::text[], %s::uuid[])
        UNION ALL SELECT entry_id, 'recovery', currency, %s::date, %s::timestamptz, NULL, NULL FROM recoveries
    ) AS sent (id, kind, currency, effective_on, recorded_at, source, reverses_id)
)
UPDATE ledger_balances AS balance SET {_ADDED},
    debt_since = CASE WHEN balance.debt_minor + changed.debt_minor > {_REPAID} THEN coalesce(debt_since, %s::date) END
FROM changed
WHERE balance.customer_id = changed.customer_id AND balance.currency = changed.currency
"""

_HOLD = f"""
{TAKE_CLOSING_LOCK};
SELECT currency, {_NAMES} FROM ledger_balances WHERE customer_id = %s AND currency = %s FOR NO KEY UPDATE
"""

_NOT_ENOUGH = ("ledger_balances_negative_check", "ledger_balances_debt_check")


def post(connection: Connection, entries: Sequence[Entry], *, today: date) -> None:
    """Write the entries and change the balances; the last thing in a commit, which holds those rows until its end.

    What becomes available repays debt first: `today`. Raises InsufficientFunds when a balance would fall below what is
    allowed.
    """
    if not entries:
        return
    postings = [(entry.id, posting) for entry in entries for posting in entry.postings]
    changes = changes_of_balances(entries)
    merchants = arrays.texts(customer_id for customer_id, _ in changes)
    currencies = arrays.texts(currency for _, currency in changes)
    now = max(entry.recorded_at for entry in entries)
    values = (
        merchants,
        currencies,
        arrays.uuids(entry_id for entry_id, _ in postings),
        arrays.texts(posting.account for _, posting in postings),
        arrays.texts(posting.customer_id for _, posting in postings),
        arrays.texts(posting.side for _, posting in postings),
        arrays.numbers(posting.amount_minor for _, posting in postings),
        merchants,
        currencies,
        *(arrays.numbers(row.get(account, 0) for row in changes.values()) for account in BALANCE_COLUMNS),
        now,
        arrays.uuids(entry.id for entry in entries),
        arrays.texts(entry.kind for entry in entries),
        arrays.texts(entry.currency for entry in entries),
        arrays.dates(entry.effective_on for entry in entries),
        arrays.instants(entry.recorded_at for entry in entries),
        arrays.texts(entry.source for entry in entries),
        arrays.uuids(entry.reverses_id for entry in entries),
        today,
        now,
        today,
    )
    try:
        connection.exec_driver_sql(_POST, values)
    except IntegrityError as error:
        if error.orig.diag.constraint_name in _NOT_ENOUGH:  # type: ignore[union-attr]
            raise InsufficientFunds("a balance would fall below what is allowed; nothing was posted") from error
        raise


def hold(connection: Connection, customer_id: str, currency: Currency) -> Balance:
    """Return the merchant's balance, which nobody else changes before the end of the commit."""
    row = connection.exec_driver_sql(_HOLD, (customer_id, currency.value)).one_or_none()
    return Balance(currency, *row[1:]) if row else Balance(currency)
