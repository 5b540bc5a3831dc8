"""Change a merchant's fee plan, for transactions from now on."""

from __future__ import annotations

from dataclasses import dataclass

from psp_core.domain.kernel.errors import FeePlanChanged, UnknownMerchant
from psp_core.domain.pricing.fee_plans import ChangedTerms, FeePlan, differences, plan_in_force
from psp_core.ports.kernel import Clock
from psp_core.ports.store import Store, UnitOfWork
from psp_core.usecases.pricing.read_fee_plans import is_known


@dataclass(frozen=True, slots=True)
class ProposedChange:
    """What a change would do, to be looked at before it is made."""

    before: FeePlan
    after: FeePlan
    is_known: bool
    """Whether the merchant has made a transaction, or has terms or a key."""

    to_come: list[FeePlan]
    """Plans that take the place of the change later on."""


@dataclass(frozen=True, slots=True)
class ChangeFeePlan:
    store: Store
    clock: Clock

    def propose(self, customer_id: str, *, terms: ChangedTerms) -> ProposedChange:
        """Return what the change would do; nothing is done. Raises ValueError outside limits."""
        with self.store.begin() as work:
            return self._proposed(work, customer_id, terms)

    def __call__(
        self, customer_id: str, *, terms: ChangedTerms, may_be_new: bool = False, shown: FeePlan | None = None
    ) -> FeePlan:
        """Store and return the new plan: `terms`, and what they leave out as it is. Earlier transactions keep theirs.

        Where nothing differs, nothing is stored. Raises UnknownMerchant unless the merchant `may_be_new`,
        FeePlanChanged when the plan in force has other terms than the one that was `shown`, and ValueError outside
        limits.
        """
        with self.store.begin() as work:
            work.fee_plans.hold(customer_id)
            change = self._proposed(work, customer_id, terms)
            if not (change.is_known or may_be_new):
                raise UnknownMerchant(
                    f"nobody called {customer_id!r} has made a transaction, or has terms or a key: nothing was changed"
                )
            if shown is not None and differences(shown, change.before):
                raise FeePlanChanged(f"the terms of {customer_id!r} were changed meanwhile: look at them again")
            if not differences(change.before, change.after):
                return change.before
            work.fee_plans.add(customer_id, change.after)
        return change.after

    def _proposed(self, work: UnitOfWork, customer_id: str, terms: ChangedTerms) -> ProposedChange:
        now = self.clock.now()
        plans = work.fee_plans.of([customer_id]).get(customer_id, [])
        before = plan_in_force(plans, at=now)
        return ProposedChange(
            before=before,
            after=terms.applied_to(before, at=now),
            is_known=bool(plans) or is_known(work, customer_id),
            to_come=[plan for plan in plans if plan.effective_from > now],
        )
