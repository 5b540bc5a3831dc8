"""Prices: the rule that decides a sale, and its terms made ready for many sales of one commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import BankCalendar, OpenDays, due_date, start_of
from psp_core.domain.kernel.closing import BusinessDays
from psp_core.domain.kernel.money import Money
from psp_core.domain.pricing.plan_rules import CONTRACT, PlanRule, Sale
from psp_core.domain.pricing.terms import PaidFrom


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Rules as they are stored, those of some merchants and those for all, and the days closed in an emergency."""

    rules: list[PlanRule] = field(default_factory=list)
    emergencies: Mapping[BankCalendar, frozenset[date]] = field(default_factory=dict)

    def deciding(self, sale: Sale, *, at: datetime) -> list[PlanRule]:
        """Return the rules that the sale is in, the one that wins first; the contract's own is the last."""
        covering = [rule for rule in self.rules if rule.is_in_force(at) and rule.scope.covers(sale)]
        return [*sorted(covering, key=lambda rule: rule.scope.rank, reverse=True), CONTRACT[sale.payment_method]]


class DueInstant(NamedTuple):
    """When an installment is paid: the settlement's date, and the instant that merchants are told."""

    due_on: date
    payment_at: datetime


class ReadyTerms:
    """A rule's terms, with what was computed before: one of these prices many sales."""

    def __init__(self, rule: PlanRule, *, open_days: OpenDays, zone: ZoneInfo) -> None:
        self.rule = rule
        self.plan_id: UUID = rule.id
        self.fee_bps = rule.fee.bps
        self._fee = rule.fee
        self._schedule = rule.schedule
        self._open_days = open_days
        self._zone = ZoneInfo(rule.schedule.zone) if rule.schedule.zone else zone
        self._business_days = BusinessDays(self._zone, rule.schedule.closes_at)
        self._delay, self._step = timedelta(days=rule.schedule.delay), timedelta(days=rule.schedule.step)
        self._rolls = open_days.calendar is not BankCalendar.EVERY_DAY
        self._known: dict[tuple[date, int], list[DueInstant]] = {}

    def fees(self, amount: Money, parts: list[Money]) -> list[Money]:
        """Return the fee of each installment."""
        return self._fee.by_installment(amount, parts)

    def due(self, created_at: datetime, installments: int) -> list[DueInstant]:
        """Return when each installment of a credit card's sale is paid."""
        if self._schedule.paid_from is PaidFrom.CAPTURE:
            return [self._after(created_at, number) for number in range(installments)]
        key = (self._business_days.of(created_at), installments)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = [self._on(key[0], number) for number in range(1, installments + 1)]
        return found

    def _after(self, created_at: datetime, steps: int) -> DueInstant:
        payment_at = created_at + self._delay + self._step * steps
        if self._rolls:
            payment_at = self._open_days.roll_forward(payment_at, zone=self._zone)
        return DueInstant(due_date(payment_at, self._zone), payment_at)

    def _on(self, day: date, number: int) -> DueInstant:
        due_on = self._schedule.due_on(day, number, self._open_days)
        return DueInstant(due_on, start_of(due_on, self._zone))


class Prices:
    """Finds a sale's terms; made anew for each commit, since rules change between two."""

    def __init__(self, book: RuleBook, *, zone: ZoneInfo) -> None:
        self._book = book
        self._zone = zone
        by_merchant: dict[str | None, list[PlanRule]] = {}
        for rule in sorted(book.rules, key=lambda rule: rule.scope.rank, reverse=True):
            by_merchant.setdefault(rule.scope.customer_id, []).append(rule)
        self._by_merchant = by_merchant
        self._covering: dict[Sale, list[PlanRule]] = {}
        self._ready: dict[UUID, ReadyTerms] = {}

    def terms(self, sale: Sale, *, at: datetime) -> ReadyTerms:
        """Return the terms of a sale that was captured at that instant, whenever it is priced."""
        covering = self._covering.get(sale)
        if covering is None:
            covering = self._covering[sale] = self._cover(sale)
        for rule in covering:
            if rule.is_in_force(at):
                return self._ready.get(rule.id) or self._make_ready(rule)
        contract = CONTRACT[sale.payment_method]
        return self._ready.get(contract.id) or self._make_ready(contract)

    def _cover(self, sale: Sale) -> list[PlanRule]:
        # A merchant's own come first, whatever else they say.
        own, everybodys = self._by_merchant.get(sale.customer_id, []), self._by_merchant.get(None, [])
        return [rule for rule in (*own, *everybodys) if rule.scope.covers(sale)]

    def _make_ready(self, rule: PlanRule) -> ReadyTerms:
        calendar = rule.schedule.calendar
        open_days = OpenDays(calendar, self._book.emergencies.get(calendar, frozenset()))
        terms = self._ready[rule.id] = ReadyTerms(rule, open_days=open_days, zone=self._zone)
        return terms
