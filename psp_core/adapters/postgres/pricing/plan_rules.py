"""Plan rules in Postgres: rows are only ever added, and ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg2.errors import ExclusionViolation, IntegrityConstraintViolation
from sqlalchemy import Connection, Row
from sqlalchemy.exc import DBAPIError

from psp_core.adapters.postgres import arrays
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.calendar import BankCalendar, OpenDays
from psp_core.domain.kernel.closing import ClosingTime
from psp_core.domain.kernel.errors import PlanRulesOverlap
from psp_core.domain.kernel.money import Currency, Rounding
from psp_core.domain.pricing.plan_rules import InstallmentRange, PlanRule, Scope
from psp_core.domain.pricing.prices import RuleBook
from psp_core.domain.pricing.refund_terms import RefundTerms
from psp_core.domain.pricing.terms import Fee, FeeBasis, PaidFrom, RefundFee, Roll, Schedule, Unit
from psp_core.ports.pricing import Priced

_TURN_LOCK = 7013

# One statement for everything that decides a commit's prices and due dates. Merchants may read it, who do not see why.
_READ = """
SELECT id, customer_id, payment_method, card_brand, currency,
       lower(installments) AS installments_least, upper(installments) - 1 AS installments_most,
       fee_bps, fee_fixed_minor, fee_min_minor, fee_max_minor, rounding, fee_basis, refund_fee,
       delay, delay_unit, step, step_unit, calendar, roll, zone, closes_at, paid_from,
       lower(valid) AS begins_at, upper(valid) AS ends_at, created_at,
       ARRAY(SELECT day FROM holidays WHERE calendar = plan_rules.calendar AND day >= %(first_day)s) AS emergencies
FROM plan_rules
WHERE (customer_id = ANY(%(merchants)s) OR (customer_id IS NULL AND %(for_all)s))
  AND valid && tstzrange(%(begin)s, %(end)s, '[]')
ORDER BY customer_id, lower(valid), id
"""

_ADD = """
INSERT INTO plan_rules (
    id, customer_id, payment_method, card_brand, currency, installments,
    fee_bps, fee_fixed_minor, fee_min_minor, fee_max_minor, rounding, fee_basis, refund_fee,
    delay, delay_unit, step, step_unit, calendar, roll, zone, closes_at, paid_from, valid, reason, created_at, ended_at
) VALUES (
    %(id)s, %(customer_id)s, %(payment_method)s, %(card_brand)s, %(currency)s, %(installments)s::int4range,
    %(fee_bps)s, %(fee_fixed)s, %(fee_min)s, %(fee_max)s, %(rounding)s, %(fee_basis)s, %(refund_fee)s,
    %(delay)s, %(delay_unit)s, %(step)s, %(step_unit)s, %(calendar)s, %(roll)s, %(zone)s, %(closes_at)s, %(paid_from)s,
    tstzrange(%(begins_at)s, %(ends_at)s), %(reason)s, %(created_at)s, %(ended_at)s
)
"""

# One that has not begun is taken back: its range is empty then.
_END = """
UPDATE plan_rules SET valid = tstzrange(lower(valid), greatest(lower(valid), %(at)s)), ended_at = %(now)s
WHERE id = ANY(%(ids)s::uuid[])
"""


# What prices money that comes back: few columns, since the API's login reads them.
_REFUND_TERMS = """
SELECT id, refund_fee, calendar,
       ARRAY(SELECT day FROM holidays WHERE calendar = plan_rules.calendar AND day >= %s) AS emergencies
FROM plan_rules WHERE id = ANY(%s::uuid[])
"""


@dataclass(frozen=True, slots=True)
class PostgresPlanRules:
    connection: Connection

    def pricing(self, sources: Sequence[Priced]) -> RuleBook:
        if not sources:
            return RuleBook()
        instants = [source.created_at for source in sources]
        return self._read(
            {source.customer_id for source in sources}, for_all=True, begin=min(instants), end=max(instants)
        )

    def of(self, customer_ids: Iterable[str | None], *, at: datetime) -> RuleBook:
        wanted = set(customer_ids)
        return self._read({each for each in wanted if each is not None}, for_all=None in wanted, begin=at, end=None)

    def refund_terms(self, ids: Iterable[UUID | None], *, since: date) -> dict[UUID | None, RefundTerms]:
        known = arrays.uuids({each for each in ids if each is not None})
        return {
            row.id: RefundTerms(
                RefundFee(row.refund_fee), OpenDays(BankCalendar(row.calendar), frozenset(row.emergencies))
            )
            for row in self.connection.exec_driver_sql(_REFUND_TERMS, (since, known))
        }

    def add(self, rules: Sequence[PlanRule]) -> None:
        with plan_rule_errors():
            for rule in rules:
                self.connection.exec_driver_sql(_ADD, _values(rule))

    def end(self, ids: Sequence[UUID], *, at: datetime, now: datetime) -> None:
        with plan_rule_errors():
            self.connection.exec_driver_sql(_END, {"ids": list(ids), "at": at, "now": now})

    def take_turn(self) -> None:
        self.connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_TURN_LOCK,))

    def _read(self, merchants: set[str], *, for_all: bool, begin: datetime, end: datetime | None) -> RuleBook:
        wanted = {
            "merchants": sorted(merchants),
            "for_all": for_all,
            "begin": begin,
            "end": end,
            # A day earlier than it is in any zone.
            "first_day": date.fromordinal(begin.date().toordinal() - 1),
        }
        rows = self.connection.exec_driver_sql(_READ, wanted).all()
        emergencies = {BankCalendar(row.calendar): frozenset(row.emergencies) for row in rows}
        return RuleBook([_rule(row) for row in rows], emergencies)


@contextmanager
def plan_rule_errors() -> Iterator[None]:
    """Turn what the table refuses into PlanRulesOverlap."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, ExclusionViolation):
            raise PlanRulesOverlap(
                "another rule is for the same sales at the same time; nothing was changed"
            ) from error
        if isinstance(error.orig, IntegrityConstraintViolation):
            raise PlanRulesOverlap("a rule has ended meanwhile; nothing was changed") from error
        raise


def _rule(row: Row[Any]) -> PlanRule:
    least, most = row.installments_least, row.installments_most
    return PlanRule(
        id=row.id,
        scope=Scope(
            customer_id=row.customer_id,
            payment_method=PaymentMethod(row.payment_method) if row.payment_method else None,
            card_brand=row.card_brand,
            installments=None if least is None else InstallmentRange(least, most),
            currency=Currency(row.currency) if row.currency else None,
        ),
        fee=Fee(
            bps=row.fee_bps,
            fixed=row.fee_fixed_minor,
            least=row.fee_min_minor,
            greatest=row.fee_max_minor,
            rounding=Rounding(row.rounding),
            basis=FeeBasis(row.fee_basis),
            on_refund=RefundFee(row.refund_fee),
        ),
        schedule=Schedule(
            delay=row.delay,
            delay_unit=Unit(row.delay_unit),
            step=row.step,
            step_unit=Unit(row.step_unit),
            calendar=BankCalendar(row.calendar),
            roll=Roll(row.roll),
            zone=row.zone,
            closes_at=ClosingTime.parse(row.closes_at),
            paid_from=PaidFrom(row.paid_from),
        ),
        begins_at=row.begins_at,
        ends_at=row.ends_at,
        created_at=row.created_at,
    )


def _values(rule: PlanRule) -> dict[str, Any]:
    scope, fee, schedule = rule.scope, rule.fee, rule.schedule
    return {
        "id": rule.id,
        "customer_id": scope.customer_id,
        "payment_method": scope.payment_method.value if scope.payment_method else None,
        "card_brand": scope.card_brand,
        "currency": scope.currency.value if scope.currency else None,
        "installments": f"[{scope.installments.least},{scope.installments.most}]" if scope.installments else None,
        "fee_bps": fee.bps,
        "fee_fixed": fee.fixed,
        "fee_min": fee.least,
        "fee_max": fee.greatest,
        "rounding": fee.rounding.value,
        "fee_basis": fee.basis.value,
        "refund_fee": fee.on_refund.value,
        "delay": schedule.delay,
        "delay_unit": schedule.delay_unit.value,
        "step": schedule.step,
        "step_unit": schedule.step_unit.value,
        "calendar": schedule.calendar.value,
        "roll": schedule.roll.value,
        "zone": schedule.zone,
        "closes_at": str(schedule.closes_at),
        "paid_from": schedule.paid_from.value,
        "begins_at": rule.begins_at,
        "ends_at": rule.ends_at,
        "reason": rule.reason,
        "created_at": rule.created_at,
        "ended_at": rule.created_at if rule.ends_at else None,
    }
