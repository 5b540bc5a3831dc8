"""What makes payables of the queue, and finds the transactions that have none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from psp_core.adapters.tracing import drain_traces
from psp_core.bootstrap.parts import Parts
from psp_core.usecases.operations.keep_time_zone import KeepTimeZone
from psp_core.usecases.payables.create_payables import CreatePayables
from psp_core.usecases.payables.drain_queue import DrainLimits, DrainOutcome, DrainQueue
from psp_core.usecases.payables.keep_draining import KeepDraining
from psp_core.usecases.payables.plan_drains import PlanDrains
from psp_core.usecases.payables.price_sale import PriceSale
from psp_core.usecases.payables.repair_transactions import RepairTransactions


@dataclass(frozen=True)
class Payables(Parts):
    """What makes payables of the queue, and finds the transactions that have none."""

    @cached_property
    def create_payables(self) -> CreatePayables:
        return CreatePayables(self.store, self.clock, self.ids, self.settings.zone)

    @cached_property
    def drain_queue(self) -> DrainQueue:
        limits = DrainLimits(
            receivers=self.settings.drain_receivers,
            commit_transactions_max=self.settings.drain_commit_transactions_max,
            linger_s=self.settings.drain_linger_s,
            receive_wait_s=self.settings.drain_receive_wait_s,
            duration_max_s=self.settings.drain_duration_max_s,
        )
        return DrainQueue(self.queue, self.create_payables, limits, drain_traces())

    def keep_draining(
        self, *, on_outcome: Callable[[DrainOutcome], None], on_failure: Callable[[Exception], None]
    ) -> KeepDraining:
        """Return an endless drain that is not started yet."""
        require_time_zone = KeepTimeZone(self.store, self.settings.zone).require
        return KeepDraining(require_time_zone, self.drain_queue, on_outcome, on_failure)

    @cached_property
    def plan_drains(self) -> PlanDrains:
        settings = self.settings
        return PlanDrains(
            self.queue, settings.drain_runs_max, settings.drain_runs_standby, settings.drain_messages_per_run
        )

    @cached_property
    def repair_transactions(self) -> RepairTransactions:
        older_than = timedelta(minutes=self.settings.repair_after_minutes)
        return RepairTransactions(self.store, self.clock, older_than)

    @cached_property
    def price_sale(self) -> PriceSale:
        return PriceSale(self.store, self.clock, self.settings.zone)
