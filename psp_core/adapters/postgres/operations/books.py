"""The books: each rule is a query whose rows are its violations, over what changed or over all of history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from psp_core.adapters.postgres.ledger.rules import TODAYS_RULES, WHOLE_RULES, WINDOW_RULES, ledger_scope
from psp_core.adapters.postgres.operations.books_of_refunds import REFUND_RULES
from psp_core.adapters.postgres.operations.books_scope import Window, scoped, united
from psp_core.adapters.postgres.operations.books_windows import month_window, months, since_the_seal
from psp_core.adapters.postgres.snapshots import freeze
from psp_core.domain.kernel.errors import Discrepancy
from psp_core.domain.kernel.ids import first_id_at

# Rule, and a query for (subject, detail). All see one snapshot.
RULES = {
    "payable_balances": """
        SELECT id::text, format('amount %%s, fee %%s, receivable %%s', amount_minor, fee_minor, receivable_minor)
        FROM payables WHERE amount_minor <> fee_minor + receivable_minor
    """,
    "payables_sum_to_their_transaction": """
        SELECT id::text, format('amount %%s, its payables %%s', amount_minor, payables_minor)
        FROM transactions JOIN (
            SELECT transaction_id, sum(amount_minor) AS payables_minor FROM payables
            WHERE type = 'credit' GROUP BY transaction_id
        ) AS sums ON transaction_id = id
        WHERE amount_minor <> payables_minor
    """,
    "payable_has_a_transaction": """
        SELECT payables.id::text, format('transaction %%s does not exist', transaction_id)
        FROM payables LEFT JOIN transactions ON transactions.id = transaction_id
        WHERE transactions.id IS NULL
           OR (transactions.customer_id, transactions.currency) <> (payables.customer_id, payables.currency)
    """,
    "paid_transaction_has_only_paid_payables": """
        SELECT transactions.id::text, format('%%s, but its payable %%s is %%s',
                                             transactions.status, payables.id, payables.status)
        FROM transactions JOIN payables ON transaction_id = transactions.id
        WHERE transactions.status = 'paid' AND payables.status <> 'paid' AND payables.type = 'credit'
    """,
    "fully_paid_transaction_is_paid": """
        SELECT id::text, 'every payable is paid'
        FROM transactions JOIN (
            SELECT transaction_id, count(*) AS payable_count, bool_and(status = 'paid') AS all_paid
            FROM payables WHERE type = 'credit' GROUP BY transaction_id
        ) AS sums ON transaction_id = id
        WHERE status <> 'paid' AND all_paid AND payable_count = installments
    """,
    "settlement_totals_are_its_lines": """
        SELECT settlements.id::text, format('%%s: totals %%s/%%s/%%s/%%s, lines %%s/%%s/%%s/%%s',
            CASE WHEN kinds.was_available THEN 'already available' ELSE 'paid out' END,
            total_count, total_gross, total_fee, total_net, lines, amounts, fees, receivables)
        FROM settlements CROSS JOIN LATERAL (VALUES
            (FALSE, payable_count, gross_minor, settlements.fee_minor, net_minor),
            (TRUE, available_count, available_gross_minor, available_fee_minor, available_net_minor)
        ) AS kinds (was_available, total_count, total_gross, total_fee, total_net)
        LEFT JOIN (
            SELECT settlement_id, payment_method = 'debit_card' AND type = 'credit' AS was_available, count(*) AS lines,
                   sum(amount_minor) AS amounts, sum(fee_minor) AS fees, sum(receivable_minor) AS receivables
            FROM payables WHERE settlement_id IS NOT NULL GROUP BY 1, 2
        ) AS sums ON settlement_id = settlements.id AND sums.was_available = kinds.was_available
        WHERE (total_count, total_gross, total_fee, total_net)
              IS DISTINCT FROM (coalesce(lines, 0), coalesce(amounts, 0), coalesce(fees, 0), coalesce(receivables, 0))
    """,
    # A batch of debit that is closed has everything that was there when it opened: two minutes are longer than any
    # commit that makes payables.
    "debit_of_a_gathered_date_is_in_a_settlement": """
        SELECT payables.id::text, format('paid at once on %%s, and left out of settlement %%s', due_on, settlements.id)
        FROM payables JOIN settlements USING (due_on, customer_id, currency)
        WHERE payment_method = 'debit_card' AND payables.status = 'paid' AND settlement_id IS NULL
          AND settlements.status = 'closed'
          AND available_count > 0 AND payables.created_at < settlements.created_at - INTERVAL '2 minutes'
    """,
    "line_belongs_to_its_settlement": """
        SELECT payables.id::text, format('settlement %%s is another merchant''s, date''s or currency''s', settlement_id)
        FROM payables LEFT JOIN settlements ON settlements.id = settlement_id
        WHERE settlement_id IS NOT NULL
          AND (settlements.customer_id, settlements.due_on, settlements.currency)
              IS DISTINCT FROM (payables.customer_id, payables.due_on, payables.currency)
    """,
    "nothing_paid_early": """
        SELECT id::text, format('due on %%s, paid at %%s', due_on, paid_at)
        FROM payables WHERE status = 'paid' AND (paid_at AT TIME ZONE %(zone)s)::date < due_on
    """,
    "credit_is_paid_by_a_settlement": """
        SELECT id::text, 'paid without a settlement'
        FROM payables WHERE status = 'paid' AND payment_method = 'credit_card' AND settlement_id IS NULL
    """,
}


RULES |= REFUND_RULES

# Of which a payable may lack its entry for a while: what a drain of the program before the ledger makes.
_UNBOOKED_AGE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class PostgresBooks:
    connection: Connection

    def discrepancies(self, *, zone: ZoneInfo, limit: int, now: datetime) -> list[Discrepancy]:
        self._begin()
        window = since_the_seal(self.connection, zone=zone)
        if window.is_small:
            # Sets of rows that the planner expects to be tiny are joined as a whole and not row by row. Look-ups by
            # keys know no other way, and stay.
            self.connection.exec_driver_sql("SET LOCAL enable_nestloop = off")
        ledgers = f"{ledger_scope(window.fence)} {united({**WINDOW_RULES, **TODAYS_RULES})}"
        statements = [*scoped(RULES, window), ledgers]
        return self._violations(statements, _values(window, zone=zone, limit=limit, now=now))

    def months(self, *, now: datetime) -> list[tuple[date, date]]:
        return list(months(self.connection, now=now))

    def discrepancies_of_month(
        self, month: date, following: date, *, zone: ZoneInfo, limit: int, now: datetime
    ) -> list[Discrepancy]:
        self._begin()
        window = month_window(self.connection, month, following)
        statements = [*scoped(RULES, window), f"{ledger_scope(window.fence)} {united(WINDOW_RULES)}"]
        return self._violations(statements, _values(window, zone=zone, limit=limit, now=now))

    def discrepancies_of_balances(self, *, limit: int) -> list[Discrepancy]:
        self._begin()
        return self._violations([united({rule: query}) for rule, query in WHOLE_RULES.items()], {"limit": limit})

    def _begin(self) -> None:
        # Payables go on being made and paid meanwhile: one snapshot, so that sums are of one moment.
        freeze(self.connection)
        self.connection.exec_driver_sql("SET LOCAL statement_timeout = '10min'")

    def _violations(self, statements: Iterable[str], values: Mapping[str, Any]) -> list[Discrepancy]:
        return [
            Discrepancy(rule, subject, detail)
            for statement in statements
            for rule, subject, detail in self.connection.exec_driver_sql(statement, values)
        ]


def _values(window: Window, *, zone: ZoneInfo, limit: int, now: datetime) -> dict[str, Any]:
    before_unbooked = first_id_at(now - _UNBOOKED_AGE)
    return {**window.values, "zone": zone.key, "limit": limit, "before_unbooked": before_unbooked}
