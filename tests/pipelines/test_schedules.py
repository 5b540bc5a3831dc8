from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from psp_core.bootstrap import Core
from psp_pipelines.definitions import definitions
from psp_pipelines.kernel.runs import NO_REASON, requests_for
from psp_pipelines.schedules import daily_settlement, early_dates_sweep, settlement_sweep
from tests.builders import NOON, SettableClock
from tests.pipelines.operations import (
    DUE_ON,
    SCHEDULED,
    dates,
    ended_as_cancelled,
    enqueue,
    failure_of,
    metadata_of,
    run_job,
)

REPOSITORY = definitions.get_repository_def()
SWEPT_AT = datetime(2026, 4, 12, 9, 30, tzinfo=UTC)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's own records in a folder: a schedule's context takes no others."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def tick(
    schedule: dg.ScheduleDefinition, core: Core, instance: dg.DagsterInstance, *, at: datetime = SWEPT_AT
) -> list[dg.RunRequest]:
    """Evaluate the schedule once, as the daemon does."""
    with dg.build_schedule_context(
        instance=instance, scheduled_execution_time=at, resources={"core": core}, repository_def=REPOSITORY
    ) as context:
        return list(schedule.evaluate_tick(context).run_requests or [])


def missed_days(core: Core, clock: SettableClock, count: int) -> None:
    """Have something due on each of `count` days from DUE_ON on, and nothing settled."""
    for number in range(count):
        clock.instant = NOON + timedelta(days=number)
        enqueue(core, 100)
    core.drain_queue()
    clock.instant = SWEPT_AT


def pretend_a_settlement(
    instance: dg.DagsterInstance, *, status: dg.DagsterRunStatus, selection: frozenset[dg.AssetKey] | None
) -> None:
    """Have Dagster say that a run of two dates is in that state."""
    job = definitions.resolve_job_def("settle_due_payables")
    tags = {**job.run_tags, **dates("2026-04-10", "2026-04-11")}
    instance.create_run_for_job(job, status=status, tags=tags, asset_selection=selection, run_config=NO_REASON)


class TestDailySettlement:
    def test_requests_the_day_of_its_tick(self, core: Core, clock: SettableClock, instance: dg.DagsterInstance) -> None:
        clock.advance(days=30)
        [request] = tick(daily_settlement, core, instance, at=datetime(2026, 4, 9, 6, tzinfo=UTC))

        assert request.partition_key == DUE_ON
        assert run_job(
            "settle_due_payables",
            core,
            instance=instance,
            partition_key=DUE_ON,
            tags={**request.tags, **SCHEDULED},
            run_config=request.run_config,
        ).success


class TestSettlementSweep:
    def test_requests_every_missed_date_in_one_run(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        missed_days(core, clock, 4)

        [request] = tick(settlement_sweep, core, instance)

        assert dates(DUE_ON, "2026-04-12").items() <= request.tags.items()
        assert (request.run_key or "").endswith("@2026-04-12T09")

    def test_asks_for_runs_that_settle_them(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        missed_days(core, clock, 4)
        [request] = tick(settlement_sweep, core, instance)

        result = run_job(
            "settle_due_payables",
            core,
            instance=instance,
            tags={**request.tags, "dagster/schedule_name": "settlement_sweep"},
            run_config=request.run_config,
        )

        assert result.success
        assert core.find_unsettled_dates() == []
        assert tick(settlement_sweep, core, instance) == []

    def test_has_the_missing_report_of_a_settled_date_written(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        missed_days(core, clock, 1)
        core.settle_payables(due_on=date.fromisoformat(DUE_ON))

        [request] = tick(settlement_sweep, core, instance)
        tags = {**request.tags, "dagster/schedule_name": "settlement_sweep"}
        result = run_job("settle_due_payables", core, instance=instance, tags=tags, run_config=request.run_config)

        assert metadata_of(result, "settlement_report")[DUE_ON]["lines"] == 1
        assert tick(settlement_sweep, core, instance) == []

    @pytest.mark.parametrize("selection", [None, frozenset({dg.AssetKey("settlement")})], ids=["job", "asset"])
    def test_leaves_dates_alone_that_a_run_will_settle(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance, selection: frozenset[dg.AssetKey] | None
    ) -> None:
        missed_days(core, clock, 4)
        pretend_a_settlement(instance, status=dg.DagsterRunStatus.NOT_STARTED, selection=selection)

        first, second = tick(settlement_sweep, core, instance)

        assert dates(DUE_ON, DUE_ON).items() <= first.tags.items()
        assert dates("2026-04-12", "2026-04-12").items() <= second.tags.items()

    def test_leaves_dates_alone_that_a_living_run_settles(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        missed_days(core, clock, 4)
        with core.store.hold_run("1", due_dates=(date(2026, 4, 10), date(2026, 4, 12)), on_lost=lambda: None):
            [request] = tick(settlement_sweep, core, instance)

        assert dates(DUE_ON, DUE_ON).items() <= request.tags.items()

    def test_requests_the_dates_of_a_run_whose_process_has_gone(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        missed_days(core, clock, 4)
        pretend_a_settlement(
            instance, status=dg.DagsterRunStatus.STARTED, selection=frozenset({dg.AssetKey("settlement")})
        )

        [request] = tick(settlement_sweep, core, instance)

        assert dates(DUE_ON, "2026-04-12").items() <= request.tags.items()

    def test_waits_with_today_until_its_time(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        missed_days(core, clock, 4)
        clock.instant = SWEPT_AT.replace(hour=5)

        [request] = tick(settlement_sweep, core, instance)

        assert dates(DUE_ON, "2026-04-11").items() <= request.tags.items()


class TestRequestsFor:
    def test_puts_a_year_into_one_run_and_more_into_several(self) -> None:
        days = [date(2024, 1, 1) + timedelta(days=number) for number in range(800)]

        assert len(list(requests_for(days[:366], requested_at="now"))) == 1
        assert len(list(requests_for(days, requested_at="now"))) == 3


class TestDatesBeforeTheFirstPartition:
    def test_are_paid_and_do_not_hold_the_others_back(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        for made_at in (datetime(2023, 11, 1, 12, tzinfo=UTC), datetime(2023, 12, 1, 12, tzinfo=UTC), NOON):
            clock.instant = made_at  # due on 2023-12-01, on 2023-12-31, and on DUE_ON
            enqueue(core, 100)
        core.drain_queue()
        clock.instant = SWEPT_AT

        [late] = tick(settlement_sweep, core, instance)
        [early] = tick(early_dates_sweep, core, instance)
        for name, request in (("settle_due_payables", late), ("settle_early_dates", early)):
            tags = {**request.tags, "dagster/schedule_name": "sweep"}
            assert run_job(name, core, instance=instance, tags=tags, run_config=request.run_config).success

        assert dates(DUE_ON, DUE_ON).items() <= late.tags.items()
        assert core.find_unsettled_dates() == []
        assert core.write_settlement_report(due_on=date(2023, 12, 31)).lines == 1

    def test_are_settled_by_hand_with_a_reason(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        clock.instant = datetime(2023, 11, 1, 12, tzinfo=UTC)
        enqueue(core, 100)
        core.drain_queue()
        clock.instant = SWEPT_AT

        def by_hand(**config: object) -> dg.ExecuteInProcessResult:
            config = {"due_dates": ["2023-12-01"], **config}
            return run_job(
                "settle_early_dates",
                core,
                instance=instance,
                tags={},
                run_config={"ops": {"settle_dates": {"config": config}}},
            )

        assert ended_as_cancelled(instance, by_hand) == "settle by hand needs a reason"
        assert failure_of(by_hand(reason="x", due_dates=["soon"])).startswith("due_dates: Invalid isoformat")
        assert failure_of(by_hand(reason="x", due_dates=[DUE_ON])).startswith(f"{DUE_ON} has a partition")
        assert by_hand(reason="imported late").success
        assert core.find_unsettled_dates() == []
