"""Waiting payables by the calendar of the rule that priced them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.kernel.money import Currency
from psp_core.domain.pricing.holidays import DueTotals

# One that was made before payables named their rule has the merchant's fee plan of its capture, which is a rule by now.
_DUE = """
FROM payables CROSS JOIN LATERAL (
    SELECT zone FROM plan_rules
    WHERE calendar = %(calendar)s AND (
        plan_rules.id = payables.plan_id
        OR (payables.plan_id IS NULL AND plan_rules.customer_id = payables.customer_id
            AND plan_rules.payment_method = payables.payment_method
            AND valid @> (SELECT transactions.created_at FROM transactions WHERE transactions.id = transaction_id))
    )
    LIMIT 1
) AS plan
WHERE status = 'waiting_funds' AND due_on = %(day)s
"""

_TOTALS = f"""
SELECT currency, count(*) FILTER (WHERE original_due_on IS NULL),
       coalesce(sum(receivable_minor) FILTER (WHERE original_due_on IS NULL), 0)::bigint,
       count(original_due_on)
{_DUE}
GROUP BY currency ORDER BY currency
"""

_MOVE = f"""
WITH due AS (
    SELECT payables.id, coalesce(plan.zone, %(zone)s) AS zone
    {_DUE} AND original_due_on IS NULL
    ORDER BY customer_id, payables.id LIMIT %(limit)s FOR UPDATE OF payables
)
UPDATE payables SET due_on = %(to)s, original_due_on = due_on, updated_at = %(now)s,
    payment_at = ((payment_at AT TIME ZONE zone) + (%(to)s::date - due_on) * interval '1 day') AT TIME ZONE zone
FROM due WHERE payables.id = due.id AND status = 'waiting_funds' AND original_due_on IS NULL
"""


@dataclass(frozen=True, slots=True)
class PostgresDueDates:
    connection: Connection

    def totals(self, calendar: BankCalendar, day: date) -> list[DueTotals]:
        rows = self.connection.exec_driver_sql(_TOTALS, {"calendar": calendar.value, "day": day})
        return [DueTotals(Currency(currency), count, sum, before) for currency, count, sum, before in rows]

    def move(self, calendar: BankCalendar, day: date, *, to: date, zone: str, now: datetime, limit: int) -> int:
        values = {"calendar": calendar.value, "day": day, "to": to, "zone": zone, "now": now, "limit": limit}
        return self.connection.exec_driver_sql(_MOVE, values).rowcount
