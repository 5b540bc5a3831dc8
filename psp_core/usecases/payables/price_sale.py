"""Tell what a sale would cost and when it would be paid; nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.money import Money
from psp_core.domain.payables import Quote, quote
from psp_core.domain.pricing.plan_rules import Sale
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store


@dataclass(frozen=True, slots=True)
class PriceSale:
    store: Store
    clock: Clock
    zone: ZoneInfo

    def __call__(self, sale: Sale, *, amount: Money, at: datetime | None = None) -> Quote:
        """Return what it costs when it is captured at that instant, or now. Raises ValueError for what is no sale."""
        captured_at = at or self.clock.now()
        with self.store.begin() as work:
            book = work.plan_rules.of([sale.customer_id, None], at=captured_at)
        return quote(sale, amount=amount, book=book, at=captured_at, zone=self.zone)
