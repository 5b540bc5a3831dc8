from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from psp_core.bootstrap import Core
from tests.builders import SettableClock, a_submission
from tests.pipelines.operations import ended_as_cancelled, enqueue, lose_the_queue, run_job, settle


class TestRepair:
    def test_needs_a_reason_by_hand(self, core: Core, instance: dg.DagsterInstance) -> None:
        said = ended_as_cancelled(instance, lambda: run_job("repair", core, instance=instance, tags={}))

        assert said == "repair by hand needs a reason"

    def test_enqueues_what_was_lost(self, core: Core, clock: SettableClock, instance: dg.DagsterInstance) -> None:
        enqueue(core, 100, 200)
        lose_the_queue(core)
        clock.advance(minutes=11)

        result = run_job(
            "repair",
            core,
            instance=instance,
            tags={},
            run_config={"ops": {"repair_transactions": {"config": {"reason": "the queue was rebuilt"}}}},
        )

        assert result.success
        core.keep_relaying().run_until_empty()
        assert core.drain_queue().created == 2
        assert [action.reason for action in core.record_operator_action.newest(limit=9)] == ["the queue was rebuilt"]


class TestRedrive:
    def test_has_dead_letters_consumed(self, core: Core, instance: dg.DagsterInstance) -> None:
        enqueue(core, 100)
        [message] = core.queue.receive(wait_s=1)
        queue: Any = core.queue
        url = queue.client.get_queue_url(QueueName=queue.settings.dead_letter_queue_name)["QueueUrl"]
        [id] = message.transaction_ids or []
        queue.client.send_message(QueueUrl=url, MessageBody=f'{{"v": 1, "transaction_ids": ["{id}"]}}')
        core.queue.delete([message.receipt])

        result = run_job(
            "redrive",
            core,
            instance=instance,
            tags={},
            run_config={"ops": {"redrive_dead_letters": {"config": {"reason": "the consumer is mended"}}}},
        )

        assert result.success
        assert core.drain_queue().created == 1


class TestCleanUp:
    def test_purges_old_keys_and_keeps_young_ones(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        core.accept_transactions([a_submission(key="old")])
        clock.advance(days=10)
        core.accept_transactions([a_submission(key="young")])
        clock.advance(days=5)

        result = run_job("clean_up", core, instance=instance)

        assert result.success
        assert core.purge_idempotency_keys() == 0
        clock.advance(days=10)
        assert core.purge_idempotency_keys() == 1

    def test_purges_old_drain_runs_and_never_settlements(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 100)
        drain = run_job("drain_payables", core, instance=instance)
        clock.advance(days=30)
        settlement = settle(core, instance=instance)
        long_ago = datetime.now(UTC) - timedelta(days=100)
        for result in (drain, settlement):
            make_older(instance, result.run_id, to=long_ago)
        young = run_job("drain_payables", core, instance=instance)

        clean_up = run_job("clean_up", core, instance=instance)

        kept = {run.run_id for run in instance.get_runs()}
        assert kept == {settlement.run_id, young.run_id, clean_up.run_id}

    def test_forgets_what_a_purged_run_found_when_it_checked(self, core: Core, instance: dg.DagsterInstance) -> None:
        old, young = (run_job("watch", core, instance=instance).run_id for _ in range(2))
        make_older(instance, old, to=datetime.now(UTC) - timedelta(days=100))

        assert run_job("clean_up", core, instance=instance).success

        with instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
            kept = connection.exec_driver_sql("SELECT DISTINCT run_id FROM asset_check_executions").scalars().all()
        assert kept == [young]


def make_older(instance: dg.DagsterInstance, run_id: str, *, to: datetime) -> None:
    with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql(
            "UPDATE runs SET create_timestamp = ? WHERE run_id = ?", (to.strftime("%Y-%m-%d %H:%M:%S"), run_id)
        )
