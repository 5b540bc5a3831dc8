from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import dagster as dg
import pytest
from sqlalchemy import create_engine

from psp_core.adapters.sqs import SqsQueue, SqsSettings
from psp_core.bootstrap import Core
from psp_local.ports import free_port
from psp_pipelines.definitions import definitions
from psp_pipelines.operations.dead_runs import LAPSED_FOR_S, WITHOUT_LEASE_FOR_S, dead_run_sensor
from psp_pipelines.payables.queue_sensor import BEGINS_WITHIN_S, HANDOVER_S, STANDBY_TAG, payables_queue_sensor
from psp_pipelines.payables.repair_sensor import stray_transactions_sensor
from tests.builders import SettableClock, a_submission
from tests.pipelines.operations import enqueue, lose_the_queue, run_job


@pytest.fixture
def core_without_queue(core: Core) -> Core:
    nobody = SqsSettings("nowhere", endpoint_url=f"http://127.0.0.1:{free_port()}", connect_timeout_s=0.2)
    return replace(core, queue=SqsQueue(nobody))


class Tick(NamedTuple):
    requests: list[dg.RunRequest]
    skipped: str
    cursor: str | None


def tick(sensor: dg.SensorDefinition, core: Core, instance: dg.DagsterInstance, *, cursor: str | None = None) -> Tick:
    """Evaluate the sensor once, as the daemon does."""
    with dg.build_sensor_context(
        instance=instance, cursor=cursor, resources={"core": core}, definitions=definitions
    ) as context:
        data = sensor.evaluate_tick(context)
    return Tick(list(data.run_requests or []), data.skip_message or "", data.cursor)


def pretend_a_drain_runs(
    instance: dg.DagsterInstance, *, is_standby: bool = False, started_before_s: float = 0
) -> dg.DagsterRun:
    job = definitions.resolve_job_def("drain_payables")
    tags = {**job.run_tags, **(STANDBY_TAG if is_standby else {})}
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTING, tags=tags)
    started = dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_START.value, job_name=job.name)
    instance.report_dagster_event(started, run_id=run.run_id, timestamp=time.time() - started_before_s)
    return run


@contextmanager
def living(core: Core, run: dg.DagsterRun) -> Iterator[None]:
    with core.store.hold_run(run.run_id, due_dates=None, on_lost=lambda: None):
        yield


def let_lapse(database_url: str) -> None:
    """As if every holder had been silent for a minute."""
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE leases SET taken_at = taken_at - interval '2 minutes', lapses_at = lapses_at - interval '1 minute'"
        )
    engine.dispose()


def with_settings(core: Core, **changes: object) -> Core:
    return replace(core, settings=core.settings.model_copy(update=changes))


class TestPayablesQueueSensor:
    def test_keeps_a_standby_up_while_the_queue_is_empty(self, core: Core, instance: dg.DagsterInstance) -> None:
        [request] = tick(payables_queue_sensor, core, instance).requests
        pretend_a_drain_runs(instance, is_standby=True)
        result = tick(payables_queue_sensor, core, instance)

        assert request.run_key is None
        assert request.run_config["ops"] == {"payables": {"config": {"standby": True}}}
        assert request.tags.items() >= STANDBY_TAG.items()
        assert result.requests == []
        assert result.skipped == "0 messages wait, 1 drain runs are under way"

    def test_requests_the_standbys_successor_before_it_leaves(self, core: Core, instance: dg.DagsterInstance) -> None:
        pretend_a_drain_runs(instance, is_standby=True)

        [request] = tick(payables_queue_sensor, with_settings(core, drain_duration_max_s=HANDOVER_S), instance).requests

        assert request.tags.items() >= STANDBY_TAG.items()

    def test_counts_no_other_drain_as_the_standby(self, core: Core, instance: dg.DagsterInstance) -> None:
        pretend_a_drain_runs(instance)

        assert len(tick(payables_queue_sensor, core, instance).requests) == 1

    def test_requests_nothing_without_standbys_and_messages(self, core: Core, instance: dg.DagsterInstance) -> None:
        assert tick(payables_queue_sensor, with_settings(core, drain_runs_standby=0), instance).requests == []

    def test_requests_as_many_as_the_backlog_deserves(self, core: Core, instance: dg.DagsterInstance) -> None:
        for _ in range(6):
            enqueue(core, 100)

        standby, *extras = tick(payables_queue_sensor, with_settings(core, drain_messages_per_run=1), instance).requests

        assert standby.tags.items() >= STANDBY_TAG.items()
        assert len(extras) == core.settings.drain_runs_max - 1
        assert not any(STANDBY_TAG.items() <= extra.tags.items() or extra.run_config for extra in extras)

    def test_counts_the_drains_that_run(self, core: Core, instance: dg.DagsterInstance) -> None:
        enqueue(core, 100)
        pretend_a_drain_runs(instance)

        result = tick(payables_queue_sensor, with_settings(core, drain_runs_standby=0), instance)

        assert result.skipped == "1 messages wait, 1 drain runs are under way"

    def test_skips_with_the_reason_while_the_queue_is_down(
        self, core_without_queue: Core, instance: dg.DagsterInstance
    ) -> None:
        result = tick(payables_queue_sensor, core_without_queue, instance)

        assert "the queue did not answer" in result.skipped

    def test_counts_no_drain_whose_process_has_gone(
        self, core: Core, instance: dg.DagsterInstance, database_url: str
    ) -> None:
        run = pretend_a_drain_runs(instance, is_standby=True, started_before_s=BEGINS_WITHIN_S)

        with living(core, run):
            assert tick(payables_queue_sensor, core, instance).requests == []
            let_lapse(database_url)
            assert len(tick(payables_queue_sensor, core, instance).requests) == 1


class TestDeadRunSensor:
    def test_ends_a_run_whose_process_has_gone_when_it_looks_again(
        self, core: Core, instance: dg.DagsterInstance, database_url: str
    ) -> None:
        dead, alive = pretend_a_drain_runs(instance), pretend_a_drain_runs(instance)
        with living(core, dead):
            let_lapse(database_url)
            with living(core, alive):
                first = tick(dead_run_sensor, core, instance)
                assert status_of(instance, dead) is dg.DagsterRunStatus.STARTED
                tick(dead_run_sensor, core, instance, cursor=seen_earlier(first.cursor, by_s=LAPSED_FOR_S))

                assert status_of(instance, dead) is dg.DagsterRunStatus.FAILURE
                assert status_of(instance, alive) is dg.DagsterRunStatus.STARTED
                assert [lease.name for lease in core.leases()] == [f"run {alive.run_id}"]

    def test_forgets_the_silence_of_a_run_that_gives_a_sign_of_life(
        self, core: Core, instance: dg.DagsterInstance
    ) -> None:
        run = pretend_a_drain_runs(instance)
        first = tick(dead_run_sensor, core, instance)
        with living(core, run):
            second = tick(dead_run_sensor, core, instance, cursor=seen_earlier(first.cursor, by_s=60))

        assert second.cursor == "{}"
        assert status_of(instance, run) is dg.DagsterRunStatus.STARTED

    def test_ends_a_run_that_never_had_a_lease_later(self, core: Core, instance: dg.DagsterInstance) -> None:
        run = pretend_a_drain_runs(instance)

        first = tick(dead_run_sensor, core, instance)
        soon = tick(dead_run_sensor, core, instance, cursor=seen_earlier(first.cursor, by_s=LAPSED_FOR_S))
        assert status_of(instance, run) is dg.DagsterRunStatus.STARTED
        tick(dead_run_sensor, core, instance, cursor=seen_earlier(soon.cursor, by_s=WITHOUT_LEASE_FOR_S))

        assert status_of(instance, run) is dg.DagsterRunStatus.FAILURE

    def test_cancels_a_dead_run_that_was_to_be_terminated(self, core: Core, instance: dg.DagsterInstance) -> None:
        run = pretend_a_drain_runs(instance)
        instance.report_run_canceling(run)

        first = tick(dead_run_sensor, core, instance)
        tick(dead_run_sensor, core, instance, cursor=seen_earlier(first.cursor, by_s=60))

        assert status_of(instance, run) is dg.DagsterRunStatus.CANCELED


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def seen_earlier(cursor: str | None, *, by_s: float) -> str:
    """Return the cursor as if the sensor had looked so much earlier."""
    return json.dumps({run_id: since_s - by_s for run_id, since_s in json.loads(cursor or "{}").items()})


class TestStrayTransactionsSensor:
    def test_has_lost_transactions_enqueued_again(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 100, 200)
        lose_the_queue(core)
        clock.advance(minutes=11)

        [request] = tick(stray_transactions_sensor, core, instance).requests
        assert run_job("repair", core, instance=instance, run_config=request.run_config).success

        core.keep_relaying().run_until_empty()
        assert core.drain_queue().created == 2

    def test_remembers_what_it_has_checked(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 100)
        core.drain_queue()
        clock.advance(minutes=11)

        first = tick(stray_transactions_sensor, core, instance)
        clock.advance(minutes=1)
        second = tick(stray_transactions_sensor, core, instance, cursor=first.cursor)

        assert first.requests == second.requests == []
        assert (first.cursor or "") < (second.cursor or "")

    def test_waits_while_they_may_be_on_their_way(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 100)
        lose_the_queue(core)
        clock.advance(minutes=11)
        core.accept_transactions([a_submission()])
        clock.advance(minutes=2)

        result = tick(stray_transactions_sensor, core, instance)

        assert "may still be on their way" in result.skipped

    def test_requests_one_repair_in_so_many_minutes(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 100)
        lose_the_queue(core)
        clock.advance(minutes=10.5)

        keys = []
        for _ in range(8):
            [request] = tick(stray_transactions_sensor, core, instance).requests
            keys.append(request.run_key)
            clock.advance(minutes=2.5)

        assert len(set(keys)) == 2

    def test_skips_with_the_reason_while_the_queue_is_down(
        self, core: Core, core_without_queue: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 100)
        clock.advance(minutes=11)

        result = tick(stray_transactions_sensor, core_without_queue, instance)

        assert "the queue did not answer" in result.skipped
