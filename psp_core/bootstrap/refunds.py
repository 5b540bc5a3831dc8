"""What gives money back, and lets that fail."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from psp_core.bootstrap.parts import Parts
from psp_core.usecases.refunds.create_refund import CreateRefund
from psp_core.usecases.refunds.fail_refund import FailRefund


@dataclass(frozen=True)
class Refunds(Parts):
    """What gives money back, and lets that fail."""

    @cached_property
    def create_refund(self) -> CreateRefund:
        return CreateRefund(self.store, self.clock, self.ids, self.settings.zone)

    @cached_property
    def fail_refund(self) -> FailRefund:
        return FailRefund(self.store, self.clock, self.ids, self.settings.zone)
