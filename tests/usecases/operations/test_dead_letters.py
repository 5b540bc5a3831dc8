from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from psp_core.bootstrap import Core
from psp_core.usecases.operations.dead_letters import RedriveDeadLetters
from tests.builders import a_new_transaction, a_submission


@pytest.fixture
def dead_letter_url(core: Core) -> str:
    queue: Any = core.queue
    return str(queue.client.get_queue_url(QueueName=queue.settings.dead_letter_queue_name)["QueueUrl"])


def bury(core: Core, url: str, body: str) -> None:
    """Put a message where SQS puts what was received too often."""
    queue: Any = core.queue
    queue.client.send_message(QueueUrl=url, MessageBody=body)


def a_buried_transaction(core: Core, url: str) -> None:
    core.accept_transactions([a_submission(a_new_transaction())])
    core.keep_relaying().run_until_empty()
    [message] = core.queue.receive(wait_s=1)
    ids = ", ".join(f'"{id}"' for id in message.transaction_ids or ())
    bury(core, url, f'{{"v": 1, "transaction_ids": [{ids}]}}')
    core.queue.delete([message.receipt])


UNREADABLE = pytest.mark.parametrize("body", ["not one of ours", "[" * 100_000], ids=["no JSON", "nested too deep"])


class TestListDeadLetters:
    @UNREADABLE
    def test_shows_them_and_leaves_them_where_they_are(self, core: Core, dead_letter_url: str, body: str) -> None:
        for _ in range(12):
            bury(core, dead_letter_url, f'{{"v": 1, "transaction_ids": ["{uuid4()}"]}}')
        bury(core, dead_letter_url, body)

        messages = core.list_dead_letters(limit=100)

        assert sorted(len(message.transaction_ids or ()) for message in messages) == [0] + [1] * 12
        assert core.queue.dead_letter_depth().waiting == 13

    def test_shows_no_more_than_asked_for(self, core: Core, dead_letter_url: str) -> None:
        for _ in range(5):
            bury(core, dead_letter_url, "not one of ours")

        assert len(core.list_dead_letters(limit=3)) == 3


class TestRedriveDeadLetters:
    def test_has_them_consumed_after_all(self, core: Core, dead_letter_url: str) -> None:
        a_buried_transaction(core, dead_letter_url)

        report = core.redrive_dead_letters(limit=100)

        assert (report.moved, report.transactions, report.unreadable) == (1, 1, 0)
        assert core.drain_queue().created == 1
        assert core.queue.dead_letter_depth().waiting == 0

    @UNREADABLE
    def test_leaves_what_no_consumer_could_read(self, core: Core, dead_letter_url: str, body: str) -> None:
        bury(core, dead_letter_url, body)

        report = core.redrive_dead_letters(limit=100)

        assert (report.moved, report.unreadable) == (0, 1)
        assert core.queue.dead_letter_depth().waiting == 1

    def test_waits_for_those_that_somebody_looks_at(self, core: Core, dead_letter_url: str) -> None:
        a_buried_transaction(core, dead_letter_url)
        bury(core, dead_letter_url, "not one of ours")
        assert len(core.queue.receive_dead_letters(hold_s=3)) == 2

        report = core.redrive_dead_letters(limit=100)

        assert (report.moved, report.unreadable, report.withheld) == (1, 1, 0)
        assert core.drain_queue().created == 1

    def test_says_how_many_did_not_come_back(self, core: Core, dead_letter_url: str) -> None:
        a_buried_transaction(core, dead_letter_url)
        core.queue.receive_dead_letters(hold_s=60)

        report = RedriveDeadLetters(core.queue, patience_s=0)(limit=100)

        assert (report.moved, report.withheld) == (0, 1)
