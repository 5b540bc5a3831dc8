"""Merchants' terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.kernel.money import Currency
from psp_core.domain.pricing.fee_plans import FeePlan
from psp_core.domain.pricing.holidays import DueTotals, Holiday
from psp_core.domain.pricing.plan_rules import PlanRule
from psp_core.domain.pricing.prices import RuleBook
from psp_core.domain.pricing.refund_terms import MerchantTerms, RefundTerms


class Priced(Protocol):
    """A transaction of which it is known whose it is, and when it was made."""

    @property
    def customer_id(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...


class PlanRules(Protocol):
    """Rules are only ever added, and ended once."""

    def pricing(self, sources: Sequence[Priced]) -> RuleBook:
        """Return the rules of the merchants, and those for all, in force at some instant between the sources'."""
        ...

    def of(self, customer_ids: Iterable[str | None], *, at: datetime) -> RuleBook:
        """Return the rules of the merchants in force at `at` or later; None stands for those for every merchant."""
        ...

    def refund_terms(self, ids: Iterable[UUID | None], *, since: date) -> dict[UUID | None, RefundTerms]:
        """Return what those of the ids that are stored rules say of refunds; closed days are those since a date."""
        ...

    def add(self, rules: Sequence[PlanRule]) -> None:
        """Raise PlanRulesOverlap when a rule for the same sales is in force at the same time."""
        ...

    def end(self, ids: Sequence[UUID], *, at: datetime, now: datetime) -> None:
        """End rules that have no end yet, by the decision of `now`. Raises PlanRulesOverlap where one has."""
        ...

    def take_turn(self) -> None:
        """Wait for whoever else is changing rules, until this commit ends."""
        ...


class MerchantTermsOfAll(Protocol):
    def of(self, customer_id: str, currency: Currency) -> MerchantTerms:
        """Return the merchant's terms; one that has none of its own has no limit."""
        ...

    def set(self, customer_id: str, currency: Currency, terms: MerchantTerms, *, now: datetime) -> None:
        """Let these be the merchant's terms."""
        ...


class Holidays(Protocol):
    """Days that were closed in an emergency."""

    def all(self, calendar: BankCalendar) -> list[Holiday]: ...

    def add(self, holiday: Holiday) -> bool:
        """Add it, and tell whether it is new."""
        ...


class FeePlans(Protocol):
    def of(self, customer_ids: Iterable[str]) -> Mapping[str, list[FeePlan]]:
        """Return every plan, past and present, of the merchants that have one of their own."""
        ...

    def merchants(self, *, after: str, limit: int) -> Sequence[str]:
        """Return at most `limit` merchants that have a plan, in the order of their names, from behind `after` on."""
        ...

    def hold(self, customer_id: str) -> None:
        """Let nobody else who calls this change the merchant's plans before the unit of work ends."""
        ...

    def add(self, customer_id: str, plan: FeePlan) -> None: ...


class DueDates(Protocol):
    """Waiting payables by their plan's calendar."""

    def totals(self, calendar: BankCalendar, day: date) -> list[DueTotals]:
        """Return what is due on the day, by currency."""
        ...

    def move(self, calendar: BankCalendar, day: date, *, to: date, zone: str, now: datetime, limit: int) -> int:
        """Move at most `limit` payables that were not moved before; return how many that were.

        Their instants go along, at the same time of day in the plan's zone, or in `zone` where it names none.
        """
        ...
