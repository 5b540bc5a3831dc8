"""What a merchant can read of its terms: its own rules, those for all, and what a given sale would cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.money import Money
from psp_core.domain.payables import Quote, quote
from psp_core.domain.pricing.plan_rules import CONTRACT, PlanRule, Sale
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store


@dataclass(frozen=True, slots=True)
class CurrentPlans:
    """The rules in force at an instant, the most specific first, and the contract's last."""

    at: datetime
    rules: list[PlanRule]
    quote: Quote | None


@dataclass(frozen=True, slots=True)
class ReadPlans:
    store: Store
    clock: Clock
    zone: ZoneInfo
    within_s: float | None = None
    """How long a read may take; None is as long as any."""

    def within(self, seconds: float) -> ReadPlans:
        """Return the same for somebody who waits no longer than that."""
        return replace(self, within_s=seconds)

    def __call__(self, customer_id: str, *, sale: Sale | None, amount: Money | None) -> CurrentPlans:
        """Return the rules in force now, and with a sale and its amount what it would cost. Raises ValueError."""
        now = self.clock.now()
        with self.store.read_as(customer_id, within_s=self.within_s) as work:
            book = work.plan_rules.of([customer_id, None], at=now)
        in_force = sorted(
            (rule for rule in book.rules if rule.is_in_force(now)), key=lambda rule: rule.scope.rank, reverse=True
        )
        priced = quote(sale, amount=amount, book=book, at=now, zone=self.zone) if sale and amount else None
        return CurrentPlans(now, [*in_force, *CONTRACT.values()], priced)
