"""Fee plans: rows are only ever added, so that the terms of a past moment can always be found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from psp_core.adapters.postgres.pricing.plan_rules import plan_rule_errors
from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.pricing.fee_plans import FeePlan

_ADD = """
INSERT INTO fee_plans (customer_id, effective_from, credit_fee_bps, debit_fee_bps, credit_delay_days, calendar)
VALUES (%s, %s, %s, %s, %s, %s)
"""

_CHANGE_LOCK = 7003
"""Beside the migrations' 7002, in the space of two keys."""


@dataclass(frozen=True, slots=True)
class PostgresFeePlans:
    connection: Connection

    def of(self, customer_ids: Iterable[str]) -> Mapping[str, list[FeePlan]]:
        rows = self.connection.exec_driver_sql(
            "SELECT customer_id, credit_fee_bps, debit_fee_bps, credit_delay_days, calendar, effective_from"
            " FROM fee_plans WHERE customer_id = ANY(%s) ORDER BY customer_id, effective_from",
            (list(customer_ids),),
        )
        plans: dict[str, list[FeePlan]] = {}
        for customer_id, credit_fee_bps, debit_fee_bps, delay_days, calendar, effective_from in rows:
            plan = FeePlan(credit_fee_bps, debit_fee_bps, delay_days, BankCalendar(calendar), effective_from)
            plans.setdefault(customer_id, []).append(plan)
        return plans

    def merchants(self, *, after: str, limit: int) -> list[str]:
        return list(
            self.connection.exec_driver_sql(
                "SELECT DISTINCT customer_id FROM fee_plans WHERE customer_id > %s ORDER BY customer_id LIMIT %s",
                (after, limit),
            ).scalars()
        )

    def hold(self, customer_id: str) -> None:
        # There may be no row yet that could be locked.
        self.connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_CHANGE_LOCK, customer_id))

    def add(self, customer_id: str, plan: FeePlan) -> None:
        values = (
            customer_id,
            plan.effective_from,
            plan.credit_fee_bps,
            plan.debit_fee_bps,
            plan.credit_delay_days,
            plan.calendar.value,
        )
        # A trigger makes two plan rules of it, which are what prices anything.
        with plan_rule_errors():
            self.connection.exec_driver_sql(_ADD, values)
