from __future__ import annotations

from typing import Any

import dagster as dg

from psp_core.bootstrap import Core
from psp_pipelines.definitions import definitions
from tests.builders import SettableClock, a_submission
from tests.pipelines.operations import checks_of, enqueue, lose_the_queue, metadata_of, run_job


def watch(core: Core, instance: dg.DagsterInstance) -> dict[str, bool]:
    return checks_of(run_job("watch", core, instance=instance))


def red_on_the_page(instance: dg.DagsterInstance) -> set[str]:
    """Return the checks that Dagster's pages show as failed: of each the latest, if nothing was made since."""
    found = set()
    for key in definitions.resolve_asset_graph().asset_check_keys:
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).get(key)
        evaluation = record.evaluation if record else None
        if evaluation is None or evaluation.passed or evaluation.target_materialization_data is None:
            continue
        latest = instance.get_latest_materialization_event(key.asset_key)
        if latest is not None and latest.run_id == evaluation.target_materialization_data.run_id:
            found.add(key.name)
    return found


class TestWatch:
    def test_finds_nothing_wrong_with_a_quiet_platform(self, core: Core, instance: dg.DagsterInstance) -> None:
        enqueue(core, 100)
        core.drain_queue()

        assert watch(core, instance) == {
            "nothing_overdue": True,
            "no_old_debt": True,
            "every_transaction_has_payables": True,
            "outbox_not_stuck": True,
            "dead_letter_queue_empty": True,
        }

    def test_finds_what_is_overdue_after_a_day(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 100)
        core.drain_queue()
        clock.advance(days=30)
        assert watch(core, instance)["nothing_overdue"]

        clock.advance(days=1)

        assert not watch(core, instance)["nothing_overdue"]
        core.settle_payables(due_on=core.find_unsettled_dates()[0])
        assert watch(core, instance)["nothing_overdue"]

    def test_stays_red_through_a_thousand_new_transactions(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 100)
        core.drain_queue()
        clock.advance(days=32)
        watch(core, instance)

        enqueue(core, *range(1, 1_001))
        assert run_job("drain_payables", core, instance=instance).success

        assert red_on_the_page(instance) == {"nothing_overdue"}
        watch(core, instance)
        assert red_on_the_page(instance) == {"nothing_overdue"}
        core.settle_payables(due_on=core.find_unsettled_dates()[0])
        watch(core, instance)
        assert red_on_the_page(instance) == set()

    def test_lists_the_dates_that_need_a_hand(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 2_500)
        enqueue(core, 1_000, customer_id="merchant-2")
        core.drain_queue()
        clock.advance(days=33)
        core.settle_payables(due_on=core.find_unsettled_dates()[0], merchants=["merchant-2"])

        shown = metadata_of(run_job("watch", core, instance=instance), "unpaid_dates")[""]

        assert (shown["unpaid_dates"], shown["dates_without_report"], shown["merchants"]) == (1, 1, 1)
        assert shown["oldest_dates"].records[0].data == {
            "date": "2026-04-09",
            "days overdue": 3,
            "still due": "BRL 23.75",
            "payables": 1,
            "merchants": 1,
            "report": "missing",
        }
        assert shown["settle_them"].endswith("/jobs/settle_due_payables/playground")

    def test_finds_transactions_without_payables(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        enqueue(core, 100)
        lose_the_queue(core)
        clock.advance(minutes=11)

        assert not watch(core, instance)["every_transaction_has_payables"]

    def test_finds_an_outbox_that_nobody_empties(
        self, core: Core, clock: SettableClock, instance: dg.DagsterInstance
    ) -> None:
        core.accept_transactions([a_submission()])
        clock.advance(minutes=2)

        assert not watch(core, instance)["outbox_not_stuck"]

    def test_lists_dead_letters(self, core: Core, instance: dg.DagsterInstance) -> None:
        queue: Any = core.queue
        url = queue.client.get_queue_url(QueueName=queue.settings.dead_letter_queue_name)["QueueUrl"]
        queue.client.send_message(QueueUrl=url, MessageBody="not one of ours")

        result = run_job("watch", core, instance=instance)

        assert not checks_of(result)["dead_letter_queue_empty"]
        shown = metadata_of(result, "dead_letters")[""]
        assert shown["messages"] == 1
        assert shown["oldest_messages"].records[0].data["transactions"] == "unreadable"
