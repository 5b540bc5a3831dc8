"""Read the merchants' fee plans: in force, past and to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psp_core.domain.kernel.errors import UnknownMerchant
from psp_core.domain.pricing.fee_plans import FeePlan
from psp_core.ports.store import Store, UnitOfWork

LISTED_MERCHANTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class ReadFeePlans:
    store: Store

    def of(self, customer_id: str) -> list[FeePlan]:
        """Return the merchant's own plans, oldest first; none where the platform's terms apply.

        Raises UnknownMerchant when nothing is known of the merchant.
        """
        with self.store.begin() as work:
            plans = work.fee_plans.of([customer_id]).get(customer_id, [])
            if not plans and not is_known(work, customer_id):
                raise UnknownMerchant(f"nobody called {customer_id!r} has made a transaction, or has terms or a key")
        return plans

    def knows(self, customer_id: str) -> bool:
        """Tell whether the merchant has made a transaction, or has terms or a key."""
        with self.store.begin() as work:
            return customer_id in work.fee_plans.of([customer_id]) or is_known(work, customer_id)

    def page(self, *, after: str, limit: int) -> Mapping[str, list[FeePlan]]:
        """Return the plans of at most `limit` merchants that have some, by name, from behind `after` on."""
        with self.store.begin() as work:
            return work.fee_plans.of(work.fee_plans.merchants(after=after, limit=min(limit, LISTED_MERCHANTS_MAX)))


def is_known(work: UnitOfWork, customer_id: str) -> bool:
    """Tell whether the merchant has made a transaction, or has a key."""
    return bool(work.settlements.known_merchants([customer_id]) or work.api_keys.list(customer_id=customer_id, limit=1))
