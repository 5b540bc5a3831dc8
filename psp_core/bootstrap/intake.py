"""What accepts transactions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from psp_core.bootstrap.parts import Parts
from psp_core.usecases.intake.accept_transactions import AcceptTransactions


@dataclass(frozen=True)
class Intake(Parts):
    """What accepts transactions."""

    @cached_property
    def accept_transactions(self) -> AcceptTransactions:
        return AcceptTransactions(self.store, self.clock, self.ids)
