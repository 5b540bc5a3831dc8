"""The merchants' terms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from psp_core.bootstrap.parts import Parts
from psp_core.usecases.pricing.change_fee_plan import ChangeFeePlan
from psp_core.usecases.pricing.change_plans import ChangePlans
from psp_core.usecases.pricing.close_day import CloseDay
from psp_core.usecases.pricing.read_fee_plans import ReadFeePlans
from psp_core.usecases.pricing.set_merchant_terms import SetMerchantTerms
from psp_core.usecases.pricing.show_plans import ShowPlans


@dataclass(frozen=True)
class Pricing(Parts):
    """The merchants' terms."""

    @cached_property
    def change_fee_plan(self) -> ChangeFeePlan:
        return ChangeFeePlan(self.store, self.clock)

    @cached_property
    def change_plans(self) -> ChangePlans:
        return ChangePlans(self.store, self.clock, self.ids)

    @cached_property
    def show_plans(self) -> ShowPlans:
        return ShowPlans(self.store, self.clock)

    @cached_property
    def close_day(self) -> CloseDay:
        return CloseDay(self.store, self.clock, self.settings.zone)

    @cached_property
    def read_fee_plans(self) -> ReadFeePlans:
        return ReadFeePlans(self.store)

    @cached_property
    def set_merchant_terms(self) -> SetMerchantTerms:
        return SetMerchantTerms(self.store, self.clock)
