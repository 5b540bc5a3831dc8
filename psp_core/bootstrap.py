"""The composition root: reads the settings once and hands out use cases, made of real adapters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from psp_core.adapters.alarms import alarms_to
from psp_core.adapters.clock import SystemClock, TimeLapseClock, TimeOrderedIds
from psp_core.adapters.postgres.store import PoolLimits, open_store
from psp_core.adapters.sqs import SqsQueue, SqsSettings
from psp_core.adapters.tracing import drain_traces
from psp_core.domain.access import Pepper
from psp_core.domain.kernel.errors import ApiKeysNotConfigured
from psp_core.domain.operations.leases import LAPSED_KEPT_S, Lease, run_holder
from psp_core.ports.events import Queue
from psp_core.ports.kernel import Clock, Ids
from psp_core.ports.operations import Alarms
from psp_core.ports.store import Store
from psp_core.settings import Settings
from psp_core.usecases.access.authenticate import Authenticate
from psp_core.usecases.access.manage_api_keys import ManageApiKeys
from psp_core.usecases.desk.read_merchant import ReadMerchant
from psp_core.usecases.events.keep_relaying import KeepRelaying
from psp_core.usecases.events.relay_outbox import RelayOutbox, RelayReport
from psp_core.usecases.intake.accept_transactions import AcceptTransactions
from psp_core.usecases.operations.check_books import CheckBooks
from psp_core.usecases.operations.check_flow import CheckFlow
from psp_core.usecases.operations.dead_letters import ListDeadLetters, RedriveDeadLetters
from psp_core.usecases.operations.keep_time_zone import KeepTimeZone
from psp_core.usecases.operations.purge_history import PurgeIdempotencyKeys
from psp_core.usecases.operations.record_operator_action import RecordOperatorAction
from psp_core.usecases.payables.create_payables import CreatePayables
from psp_core.usecases.payables.drain_queue import DrainLimits, DrainQueue, DrainReport
from psp_core.usecases.payables.keep_draining import KeepDraining
from psp_core.usecases.payables.plan_drains import PlanDrains
from psp_core.usecases.payables.repair_transactions import RepairTransactions
from psp_core.usecases.pricing.change_fee_plan import ChangeFeePlan
from psp_core.usecases.settlement.find_unsettled_dates import FindUnsettledDates
from psp_core.usecases.settlement.settle_payables import SettlePayables
from psp_core.usecases.settlement.write_settlement_report import WriteSettlementReport


@dataclass(frozen=True)
class Core:
    """Every use case, ready to call. One per process; nothing connects before its first use."""

    settings: Settings
    store: Store
    queue: Queue
    clock: Clock
    ids: Ids
    relay_store: Store | None = None
    """The same database with the relay's login, where it has one of its own."""

    @cached_property
    def accept_transactions(self) -> AcceptTransactions:
        return AcceptTransactions(self.store, self.clock, self.ids)

    @cached_property
    def read_merchant(self) -> ReadMerchant:
        return ReadMerchant(self.store)

    @cached_property
    def relay_outbox(self) -> RelayOutbox:
        settings = self.settings
        store = self.relay_store or self.store
        return RelayOutbox(store, self.queue, settings.relay_entries_max, settings.message_transactions_max)

    def keep_relaying(
        self,
        *,
        on_report: Callable[[RelayReport], None] = lambda _: None,
        on_failure: Callable[[Exception], None] = lambda _: None,
    ) -> KeepRelaying:
        """Return a relay that is not started yet; a process needs one at most."""
        return KeepRelaying(
            self.relay_outbox,
            poll_interval_s=self.settings.relay_poll_interval_s,
            pause_s=self.settings.relay_pause_s,
            on_report=on_report,
            on_failure=on_failure,
        )

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
        self, *, on_report: Callable[[DrainReport], None], on_failure: Callable[[Exception], None]
    ) -> KeepDraining:
        """Return an endless drain that is not started yet."""
        return KeepDraining(self.time_zone.require, self.drain_queue, on_report, on_failure)

    @cached_property
    def plan_drains(self) -> PlanDrains:
        settings = self.settings
        return PlanDrains(
            self.queue, settings.drain_runs_max, settings.drain_runs_standby, settings.drain_messages_per_run
        )

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
    def settle_payables(self) -> SettlePayables:
        return SettlePayables(self.store, self.clock, self.settings.zone, self.settings.settlement_chunk_payables)

    @cached_property
    def find_unsettled_dates(self) -> FindUnsettledDates:
        settings = self.settings
        return FindUnsettledDates(self.store, self.clock, settings.zone, settings.settlement_starts_at)

    @cached_property
    def time_zone(self) -> KeepTimeZone:
        return KeepTimeZone(self.store, self.settings.zone)

    @cached_property
    def check_books(self) -> CheckBooks:
        return CheckBooks(self.store, self.settings.zone)

    @cached_property
    def repair_transactions(self) -> RepairTransactions:
        older_than = timedelta(minutes=self.settings.repair_after_minutes)
        return RepairTransactions(self.store, self.clock, older_than)

    @cached_property
    def check_flow(self) -> CheckFlow:
        stray_after = timedelta(minutes=self.settings.repair_after_minutes)
        return CheckFlow(self.store, self.queue, self.clock, stray_after, self.settings.drain_messages_per_run)

    @cached_property
    def write_settlement_report(self) -> WriteSettlementReport:
        # pyarrow takes a quarter of a second to import, and only this needs it.
        from psp_core.adapters.reports.drafts import ReportDrafts
        from psp_core.adapters.reports.shelves import shelf_at

        drafts = ReportDrafts(shelf_at(self.settings.reports_url), self.settings.zone)
        return WriteSettlementReport(self.store, drafts, self.clock)

    @cached_property
    def list_dead_letters(self) -> ListDeadLetters:
        return ListDeadLetters(self.queue)

    @cached_property
    def redrive_dead_letters(self) -> RedriveDeadLetters:
        return RedriveDeadLetters(self.queue)

    @cached_property
    def purge_idempotency_keys(self) -> PurgeIdempotencyKeys:
        retention = timedelta(days=self.settings.idempotency_key_retention_days)
        return PurgeIdempotencyKeys(self.store, self.clock, retention)

    @cached_property
    def alarms(self) -> Alarms:
        return alarms_to(self.settings.alarm_url)

    @cached_property
    def record_operator_action(self) -> RecordOperatorAction:
        return RecordOperatorAction(self.store, self.clock, self.ids)

    @cached_property
    def change_fee_plan(self) -> ChangeFeePlan:
        return ChangeFeePlan(self.store, self.clock)

    @cached_property
    def authenticate(self) -> Authenticate:
        """The API's check of its callers; raises ApiKeysNotConfigured when there is no pepper."""
        if (pepper := _pepper(self.settings)) is None:
            raise ApiKeysNotConfigured("API keys need a pepper: set PSP_API_KEY_PEPPER")
        ttl = timedelta(seconds=self.settings.api_key_cache_ttl_s)
        return Authenticate(self.store, self.clock, pepper, self.settings.api_key_mode, ttl)

    @cached_property
    def manage_api_keys(self) -> ManageApiKeys:
        return ManageApiKeys(self.store, self.clock, _pepper(self.settings), self.settings.api_key_mode)


def build_core(settings: Settings, *, application_name: str = "psp") -> Core:
    """Compose the core for this process. Fork first: neither connections nor clients survive one."""
    limits = PoolLimits(
        size=settings.database_pool_size,
        connect_timeout_s=settings.database_connect_timeout_s,
        statement_timeout_s=settings.database_statement_timeout_s,
        lock_timeout_s=settings.database_lock_timeout_s,
    )
    reads, relay = settings.read_database_url, settings.relay_database_url
    store = open_store(
        settings.database_url.get_secret_value(),
        limits=limits,
        application_name=application_name,
        prepares=settings.database_prepares,
        lease_s=settings.lease_s,
        read_url=reads.get_secret_value() if reads else None,
        read_pool_size=settings.read_database_pool_size,
    )
    # A relay is one thread.
    alone = replace(limits, size=1)
    return Core(
        settings=settings,
        store=store,
        queue=SqsQueue(sqs_settings(settings)),
        clock=_clock(settings),
        ids=TimeOrderedIds(),
        relay_store=open_store(relay.get_secret_value(), limits=alone, application_name=application_name)
        if relay
        else None,
    )


def sqs_settings(settings: Settings) -> SqsSettings:
    return SqsSettings(
        queue_name=settings.sqs_queue_name,
        endpoint_url=settings.sqs_endpoint_url,
        visibility_timeout_s=settings.sqs_visibility_timeout_s,
        max_receive_count=settings.sqs_max_receive_count,
        connect_timeout_s=settings.sqs_connect_timeout_s,
    )


def _pepper(settings: Settings) -> Pepper | None:
    secret = settings.api_key_pepper
    return Pepper(secret.get_secret_value().encode()) if secret else None


def _clock(settings: Settings) -> Clock:
    if settings.clock_start is None:
        return SystemClock()
    return TimeLapseClock(datetime.fromisoformat(settings.clock_start), settings.clock_speed)
