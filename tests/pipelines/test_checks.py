from __future__ import annotations

from typing import Any

import dagster as dg

from psp_core.bootstrap import Core
from tests.builders import SettableClock, a_submission
from tests.pipelines.operations import checks_of, enqueue, lose_the_queue, metadata_of, run_job


def watch(core: Core, instance: dg.DagsterInstance) -> dict[str, bool]:
    return checks_of(run_job("watch", core, instance=instance))


class TestWatch:
    def test_finds_nothing_wrong_with_a_quiet_platform(self, core: Core, instance: dg.DagsterInstance) -> None:
        enqueue(core, 100)
        core.drain_queue()

        assert watch(core, instance) == {
            "nothing_overdue": True,
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
