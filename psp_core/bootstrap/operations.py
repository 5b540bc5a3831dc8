"""What operators watch, mend and keep a record of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from psp_core.adapters.alarms import alarms_to
from psp_core.bootstrap.parts import Parts
from psp_core.domain.operations.leases import LAPSED_KEPT_S, Lease, run_holder
from psp_core.ports.operations import Alarms
from psp_core.usecases.operations.check_books import CheckBooks
from psp_core.usecases.operations.check_flow import CheckFlow
from psp_core.usecases.operations.dead_letters import ListDeadLetters, RedriveDeadLetters
from psp_core.usecases.operations.keep_time_zone import KeepTimeZone
from psp_core.usecases.operations.purge_history import PurgeIdempotencyKeys
from psp_core.usecases.operations.record_operator_action import RecordOperatorAction


@dataclass(frozen=True)
class Operations(Parts):
    """What operators watch, mend and keep a record of."""

    def leases(self) -> Sequence[Lease]:
        """Return who has or had something in hand; raises StorageUnavailable."""
        with self.store.begin() as work:
            return work.leases.all()

    def end_run(self, run_id: str) -> None:
        """Take from a dead run what it held; should it only have stood still, it ends when it goes on."""
        with self.store.begin() as work:
            work.leases.revoke(run_holder(run_id))
            work.leases.purge(lapsed_for_s=LAPSED_KEPT_S)

    @cached_property
    def time_zone(self) -> KeepTimeZone:
        return KeepTimeZone(self.store, self.settings.zone)

    @cached_property
    def check_books(self) -> CheckBooks:
        return CheckBooks(self.store, self.clock, self.settings.zone)

    @cached_property
    def check_flow(self) -> CheckFlow:
        stray_after = timedelta(minutes=self.settings.repair_after_minutes)
        return CheckFlow(self.store, self.queue, self.clock, stray_after, self.settings.drain_messages_per_run)

    @cached_property
    def list_dead_letters(self) -> ListDeadLetters:
        return ListDeadLetters(self.queue)

    @cached_property
    def redrive_dead_letters(self) -> RedriveDeadLetters:
        return RedriveDeadLetters(self.queue)

    @cached_property
    def alarms(self) -> Alarms:
        return alarms_to(self.settings.alarm_url)

    @cached_property
    def record_operator_action(self) -> RecordOperatorAction:
        return RecordOperatorAction(self.store, self.clock, self.ids)

    @cached_property
    def purge_idempotency_keys(self) -> PurgeIdempotencyKeys:
        retention = timedelta(days=self.settings.idempotency_key_retention_days)
        return PurgeIdempotencyKeys(self.store, self.clock, retention)
