"""What a merchant reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from psp_core.bootstrap.parts import Parts
from psp_core.usecases.desk.read_merchant import ReadMerchant
from psp_core.usecases.desk.read_plans import ReadPlans


@dataclass(frozen=True)
class Desk(Parts):
    """The use case behind every GET of the API."""

    @cached_property
    def read_merchant(self) -> ReadMerchant:
        return ReadMerchant(self.store)

    @cached_property
    def read_plans(self) -> ReadPlans:
        return ReadPlans(self.store, self.clock, self.settings.zone)
