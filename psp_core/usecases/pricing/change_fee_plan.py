"""Change a merchant's fee plan, for transactions from now on."""

from __future__ import annotations

from dataclasses import dataclass

from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.pricing.fee_plans import FeePlan
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store


@dataclass(frozen=True, slots=True)
class ChangeFeePlan:
    store: Store
    clock: Clock

    def __call__(
        self,
        customer_id: str,
        *,
        credit_fee_bps: int,
        debit_fee_bps: int,
        credit_delay_days: int,
        calendar: BankCalendar,
    ) -> FeePlan:
        """Store and return the new plan; earlier transactions keep their terms. Raises ValueError outside limits."""
        plan = FeePlan(
            credit_fee_bps=credit_fee_bps,
            debit_fee_bps=debit_fee_bps,
            credit_delay_days=credit_delay_days,
            calendar=calendar,
            effective_from=self.clock.now(),
        )
        with self.store.begin() as work:
            work.fee_plans.add(customer_id, plan)
        return plan
