"""Plan rules as people read them: as a file that can be applied again, in one line, and as a difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from psp_core.domain.kernel.money import Currency, Rounding, written
from psp_core.domain.payables import Quote
from psp_core.domain.pricing.fee_plans import BPS_PER_PERCENT
from psp_core.domain.pricing.plan_changes import PlanChanges
from psp_core.domain.pricing.plan_rules import PlanRule, Scope
from psp_core.domain.pricing.terms import Fee, PaidFrom, RefundFee, Roll, Schedule, Unit


def told_fee(fee: Fee, currency: Currency | None) -> str:
    """Return a fee in words."""
    parts = [f"{fee.bps // BPS_PER_PERCENT}.{fee.bps % BPS_PER_PERCENT:02} %"]
    if currency is not None:
        named = (("+", fee.fixed), ("at least", fee.least), ("at most", fee.greatest))
        parts += [f"{name} {written(minor, currency)}" for name, minor in named if minor]
    if fee.rounding is not Rounding.DOWN:
        parts.append(f"rounded {fee.rounding.value.replace('_', ' ')}")
    if fee.on_refund is RefundFee.KEPT:
        parts.append("kept on refunds")
    return " ".join(parts)


def told_schedule(schedule: Schedule) -> str:
    """Return a schedule in words."""
    parts = [f"after {told_count(schedule.delay, schedule.delay_unit)}"]
    if (schedule.step, schedule.step_unit) != (schedule.delay, schedule.delay_unit):
        parts.append(f"and then every {told_count(schedule.step, schedule.step_unit)}")
    if schedule.roll is Roll.FOLLOWING:
        parts.append(f"on open days ({schedule.calendar.value})")
    if schedule.paid_from is PaidFrom.START_OF_DAY:
        parts.append(f"days end at {schedule.closes_at}" + (f" in {schedule.zone}" if schedule.zone else ""))
    return ", ".join(parts)


def told_terms(scope: Scope, fee: Fee, schedule: Schedule) -> str:
    """Return a rule in one line, but for when it is in force."""
    return f"{scope}: {told_fee(fee, scope.currency)}, {told_schedule(schedule)}"


def told_count(count: int, unit: Unit) -> str:
    """Return a count as a file has it: 30 days, 1 business day."""
    name = unit.value.removesuffix("s").replace("_", " ")
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def difference(changes: PlanChanges) -> Iterator[str]:
    """Yield a line for each rule that ends or begins."""
    for ending in changes.endings:
        rule = ending.rule
        end = "is taken back before it begins" if ending.at == rule.begins_at else f"ends {_when(ending.at)}"
        yield f"- {told_terms(rule.scope, rule.fee, rule.schedule)}; {end} ({rule.id})"
    for each in changes.beginnings:
        until = f" until {each.ends_at.isoformat()}" if each.ends_at else ""
        yield f"+ {told_terms(each.scope, each.fee, each.schedule)}; from {_when(each.begins_at)}{until}"
    if not changes:
        yield "nothing changes"


def as_file(rules: Sequence[PlanRule], merchants: Iterable[str | None]) -> Iterator[str]:
    """Yield the lines of a file that says what the rules say: applied, it changes nothing."""
    yield "plans:"
    for merchant in merchants:
        own = [rule for rule in rules if rule.scope.customer_id == merchant]
        yield f"  {_quoted(merchant or '*')}:{'' if own else ' []'}"
        for rule in sorted(own, key=lambda rule: (rule.scope.rank, str(rule.scope), rule.begins_at)):
            yield f"    # {rule.id}, since {rule.begins_at.isoformat()}"
            for place, (name, value) in enumerate(_fields(rule)):
                yield f"    {'-' if place == 0 else ' '} {name}: {value}"


def _fields(rule: PlanRule) -> Iterator[tuple[str, str]]:
    scope, fee, schedule = rule.scope, rule.fee, rule.schedule
    of_scope = {
        "payment_method": scope.payment_method,
        "card_brand": scope.card_brand,
        "installments": scope.installments,
        "currency": scope.currency,
    }
    yield from ((name, str(value)) for name, value in of_scope.items() if value is not None)
    yield "bps", str(fee.bps)
    amounts = {"fixed": fee.fixed, "min": fee.least, "max": fee.greatest}
    yield from ((name, str(minor)) for name, minor in amounts.items() if minor is not None and (minor or name == "max"))
    yield "rounding", fee.rounding.value
    yield "refund_fee", fee.on_refund.value
    yield "delay", told_count(schedule.delay, schedule.delay_unit)
    yield "step", told_count(schedule.step, schedule.step_unit)
    yield "calendar", schedule.calendar.value
    if schedule.zone:
        yield "zone", schedule.zone
    yield "closes_at", f'"{schedule.closes_at}"'
    yield "paid_from", schedule.paid_from.value
    yield "from", rule.begins_at.isoformat()


def priced(quote: Quote) -> Iterator[str]:
    """Yield what a sale costs, when it is paid, and which rule says so."""
    first = quote.payables[0]
    currency = first.amount.currency
    total = sum(payable.fee.minor for payable in quote.payables)
    gross = sum(payable.amount.minor for payable in quote.payables)
    yield f"captured {quote.at.isoformat()}: {currency.value} {written(gross, currency)}"
    yield f"fee {written(total, currency)}, the merchant gets {written(gross - total, currency)}"
    for payable in quote.payables:
        yield (
            f"  {payable.installment}/{payable.installments}  due {payable.due_on}  "
            f"{written(payable.amount.minor, currency)} - {written(payable.fee.minor, currency)} = "
            f"{written(payable.receivable.minor, currency)}"
        )
    rule = quote.rule
    yield f"decided by {rule.id}: {told_terms(rule.scope, rule.fee, rule.schedule)}"
    for other in quote.others:
        yield f"  less specific: {other.id}: {told_terms(other.scope, other.fee, other.schedule)}"


def _when(at: datetime | None) -> str:
    return "now" if at is None else at.isoformat()


def _quoted(text: str) -> str:
    # As YAML quotes: a quote is doubled, and nothing else means anything.
    return "'" + text.replace("'", "''") + "'"
