"""Which rows a check of the books looks at: those of a window of time, with everything that belongs to them.

A rule names `payables` and `settlements`; here they are given the rows of the window under these names. So each rule is
written once, for all of history and for what changed.
"""

from __future__ import annotations

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
    due_dates: list[date]
    """Of the settlements that were closed or added to, besides those that were opened in the window."""
    closed_from: datetime

    @property
    def values(self) -> dict[str, Any]:
        """Return the window as a statement's parameters."""
        return asdict(self)


_SETTLEMENTS = """
    SELECT * FROM settlements
    WHERE id >= %(from_settlement)s AND id < %(before_settlement)s
    UNION
    SELECT * FROM settlements
    WHERE due_on = ANY(%(due_dates)s) AND (status = 'open' OR closed_at >= %(closed_from)s)
"""

# Every payable of a transaction of which one was made or paid in the window.
BY_TRANSACTION = f"""
WITH batches AS MATERIALIZED ({_SETTLEMENTS}), touched AS MATERIALIZED (
    SELECT transaction_id FROM payables WHERE id >= %(from_payable)s AND id < %(before_payable)s
    UNION
    SELECT transaction_id FROM payables WHERE settlement_id IN (SELECT id FROM batches)
), payables AS MATERIALIZED (
    SELECT payables.* FROM touched JOIN payables USING (transaction_id)
)
"""

# Every payable of a settlement that was opened, added to or closed in the window.
BY_SETTLEMENT = f"""
WITH batches AS MATERIALIZED ({_SETTLEMENTS}), payables AS MATERIALIZED (
    SELECT payables.* FROM batches JOIN payables ON settlement_id = batches.id
), settlements AS MATERIALIZED (SELECT * FROM batches)
"""

# What was paid at once and is in no settlement, of the dates of such settlements: few rows, by an index of their own.
BY_UNGATHERED = f"""
WITH batches AS MATERIALIZED ({_SETTLEMENTS}), payables AS MATERIALIZED (
    SELECT payables.* FROM (SELECT DISTINCT due_on FROM batches) AS dates JOIN payables USING (due_on)
    WHERE payment_method = 'debit_card' AND settlement_id IS NULL
), settlements AS MATERIALIZED (SELECT * FROM batches)
"""

_SCOPES = {
    "settlement_totals_are_its_lines": BY_SETTLEMENT,
    "debit_of_a_gathered_date_is_in_a_settlement": BY_UNGATHERED,
}
"""Of the rules that need something else than all payables of a transaction."""


def scoped(rule: str, query: str) -> str:
    """Return the rule's query over the window's rows."""
    return f"{_SCOPES.get(rule, BY_TRANSACTION)} {query}"
