"""Which rows a check of the books looks at: those of a window of time, with everything that belongs to them.

A rule names `payables`, `transactions` and `settlements`; here they are given the rows of the window under these names.
So each rule is written once, for all of history and for what changed, and those that look at the same rows share them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Window:
    """What was recorded in a time. Dates and ids: `after_…` is excluded, `from_…` included, `before_…` excluded."""

    after_day: date
    """The last day that is not looked at any more, of the ledger."""
    until_day: date
    from_payable: UUID
    before_payable: UUID
    from_settlement: UUID
    before_settlement: UUID
    closed_from: datetime
    closed_before: datetime
    is_small: bool
    """A little of what is stored: then all that belongs to it is looked up by keys, whatever the planner expects."""

    @property
    def values(self) -> dict[str, Any]:
        """Return the window as a statement's parameters."""
        return asdict(self)

    @property
    def fence(self) -> str:
        """Return what ends a lateral look-up: OFFSET 0 keeps the planner from joining with the whole table instead.

        It expects as many payables of a settlement as one had on average, which is how long the history is.
        """
        return "OFFSET 0" if self.is_small else ""


# Opened, added to or closed in the window: what was added to without being closed is open.
_BATCHES = """
WITH batches AS MATERIALIZED (
    SELECT * FROM settlements WHERE id >= %(from_settlement)s AND id < %(before_settlement)s
    UNION
    SELECT * FROM settlements WHERE closed_at >= %(closed_from)s AND closed_at < %(closed_before)s
    UNION
    SELECT * FROM settlements WHERE status = 'open'
)
"""


def _by_transaction(fence: str) -> str:
    """Every payable of a transaction of which one was made or paid in the window."""
    return f"""{_BATCHES}, touched AS MATERIALIZED (
        SELECT transaction_id FROM payables WHERE id >= %(from_payable)s AND id < %(before_payable)s
        UNION
        SELECT transaction_id
        FROM batches CROSS JOIN LATERAL (
            SELECT transaction_id FROM payables WHERE settlement_id = batches.id {fence}
        ) AS lines
    ), payables AS MATERIALIZED (
        SELECT found.* FROM touched CROSS JOIN LATERAL (
            SELECT * FROM payables WHERE transaction_id = touched.transaction_id {fence}
        ) AS found
    ), transactions AS MATERIALIZED (
        SELECT found.* FROM touched CROSS JOIN LATERAL (
            SELECT * FROM transactions WHERE id = touched.transaction_id {fence}
        ) AS found
    ), refunds AS MATERIALIZED (
        SELECT found.* FROM touched CROSS JOIN LATERAL (
            SELECT * FROM refunds WHERE transaction_id = touched.transaction_id {fence}
        ) AS found
    ), returned_amounts AS MATERIALIZED (
        SELECT found.* FROM touched CROSS JOIN LATERAL (
            SELECT * FROM returned_amounts WHERE transaction_id = touched.transaction_id {fence}
        ) AS found
    ), settlements AS MATERIALIZED (
        SELECT found.*
        FROM (SELECT DISTINCT settlement_id FROM payables WHERE settlement_id IS NOT NULL) AS named
        CROSS JOIN LATERAL (SELECT * FROM settlements WHERE id = settlement_id {fence}) AS found
    )"""


def _by_settlement(fence: str) -> str:
    """Every payable of a settlement that was opened, added to or closed in the window."""
    return f"""{_BATCHES}, payables AS MATERIALIZED (
        SELECT found.* FROM batches CROSS JOIN LATERAL (
            SELECT * FROM payables WHERE settlement_id = batches.id {fence}
        ) AS found
    ), settlements AS MATERIALIZED (SELECT * FROM batches)"""


def _by_ungathered(fence: str) -> str:
    """What was paid at once and is in no settlement, of the dates of such settlements: by an index of its own."""
    return f"""{_BATCHES}, payables AS MATERIALIZED (
        SELECT found.* FROM (SELECT DISTINCT due_on FROM batches) AS dates CROSS JOIN LATERAL (
            SELECT * FROM payables
            WHERE due_on = dates.due_on AND payment_method = 'debit_card' AND status = 'paid'
              AND settlement_id IS NULL {fence}
        ) AS found
    ), settlements AS MATERIALIZED (SELECT * FROM batches)"""


_SCOPES = {
    "settlement_totals_are_its_lines": _by_settlement,
    "debit_of_a_gathered_date_is_in_a_settlement": _by_ungathered,
}
"""Of the rules that need something else than all payables of a transaction."""


def scoped(rules: Mapping[str, str], window: Window) -> Iterator[str]:
    """Yield statements, one for all rules over the same rows, that give the rule, the subject and the detail."""
    for scope in (_by_transaction, *_SCOPES.values()):
        together = {rule: query for rule, query in rules.items() if _SCOPES.get(rule, _by_transaction) is scope}
        yield f"{scope(window.fence)} {united(together)}"


def united(rules: Mapping[str, str]) -> str:
    """Return one query for at most %(limit)s violations of each rule: the rule, the subject and the detail."""
    return "\nUNION ALL\n".join(
        f"(SELECT '{rule}', subject, detail FROM ({query}) AS found (subject, detail) LIMIT %(limit)s)"
        for rule, query in rules.items()
    )
