"""Set a merchant's terms for money that comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from psp_core.domain.kernel.merchants import require_known
from psp_core.domain.kernel.money import Currency
from psp_core.domain.pricing.refund_terms import MerchantTerms
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store


@dataclass(frozen=True, slots=True)
class SetMerchantTerms:
    store: Store
    clock: Clock

    def __call__(
        self, customer_id: str, currency: Currency, *, changed: Mapping[str, int | None]
    ) -> tuple[MerchantTerms, MerchantTerms]:
        """Change the merchant's terms in the currency by the names of their fields; return those of before, and of now.

        Raises UnknownMerchant, and ValueError for terms that there cannot be.
        """
        with self.store.begin() as work:
            require_known(
                [customer_id], known=work.settlements.known_merchants([customer_id]), so="nothing was changed"
            )
            before = work.merchant_terms.of(customer_id, currency)
            after = replace(before, **changed)  # type: ignore[arg-type]  # by name
            work.merchant_terms.set(customer_id, currency, after, now=self.clock.now())
        return before, after
