from __future__ import annotations

import json
from uuid import UUID

import pytest

from psp_core.adapters.sqs import BYTES_PER_CALL_MAX, SqsQueue, SqsSettings, calls_of, decode, encode
from psp_core.bootstrap import Core
from psp_core.domain.events import OutgoingMessage
from psp_core.domain.kernel.errors import QueueUnavailable
from psp_local.ports import free_port
from tests.reach import create_queues

IDS = [UUID(int=number) for number in range(1, 301)]


class TestSqsQueue:
    def test_carries_ids_and_trace_context(self, core: Core) -> None:
        core.queue.send([OutgoingMessage(IDS, traceparent="00-aa-bb-01")])

        [message] = core.queue.receive(wait_s=1)

        assert message.transaction_ids == IDS
        assert message.traceparent == "00-aa-bb-01"

    def test_sends_more_than_a_call_can_take(self, core: Core) -> None:
        core.queue.send([OutgoingMessage([id]) for id in IDS[:25]])

        assert core.queue.depth().waiting == 25

    def test_keeps_a_message_until_it_is_deleted(self, core: Core) -> None:
        core.queue.send([OutgoingMessage(IDS[:1])])
        [message] = core.queue.receive(wait_s=1)
        assert (core.queue.depth().waiting, core.queue.depth().in_flight) == (0, 1)

        core.queue.delete([message.receipt])
        core.queue.delete([message.receipt])

        assert (core.queue.depth().waiting, core.queue.depth().in_flight) == (0, 0)

    def test_moves_what_nobody_deletes_to_the_dead_letter_queue(self, core: Core) -> None:
        queue = SqsQueue(
            SqsSettings(
                queue_name=core.settings.sqs_queue_name + "-dead",
                endpoint_url=core.settings.sqs_endpoint_url,
                visibility_timeout_s=0,
                max_receive_count=2,
            )
        )
        queue.create()
        queue.send([OutgoingMessage(IDS[:1])])

        received = [len(queue.receive(wait_s=0)) for _ in range(4)]

        assert received == [1, 1, 0, 0]
        assert queue.dead_letter_depth().waiting == 1

    def test_says_that_it_is_unavailable(self) -> None:
        queue = SqsQueue(SqsSettings("q", endpoint_url=f"http://127.0.0.1:{free_port()}", connect_timeout_s=0.5))

        with pytest.raises(QueueUnavailable):
            queue.depth()

    def test_creates_its_queues_again_without_harm(self, core: Core) -> None:
        core.queue.send([OutgoingMessage(IDS[:1])])

        create_queues(core)

        assert core.queue.depth().waiting == 1


class TestDecode:
    @pytest.mark.parametrize(
        "body",
        ["", "{", "[]", "null", "7", '{"v":1}', '{"v":2,"transaction_ids":[]}', '{"v":1,"transaction_ids":["x"]}'],
    )
    def test_leaves_foreign_bodies_unread(self, body: str) -> None:
        assert decode({"MessageId": "m", "ReceiptHandle": "r", "Body": body}).transaction_ids is None

    def test_reads_what_encode_wrote(self) -> None:
        body = encode(OutgoingMessage(IDS))

        assert decode({"MessageId": "m", "ReceiptHandle": "r", "Body": body}).transaction_ids == IDS
        assert set(json.loads(body)) == {"v", "transaction_ids"}


class TestCalls:
    def test_stay_within_both_limits_and_lose_nothing(self) -> None:
        bodies = ["x" * size for size in (100_000, 100_000, 100_000, *[10] * 25, BYTES_PER_CALL_MAX)]

        calls = list(calls_of(bodies))

        assert [position for call in calls for position in call] == list(range(len(bodies)))
        assert all(len(call) <= 10 for call in calls)
        assert all(sum(len(bodies[position]) for position in call) <= BYTES_PER_CALL_MAX for call in calls)
