"""The queue in SQS: full batches, few calls, and every `Failed` entry noticed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from psp_core.domain.events import OutgoingMessage, QueueDepth, QueueMessage
from psp_core.domain.kernel.errors import QueueUnavailable
from psp_core.ports.events import SendOutcome

ENTRIES_PER_CALL_MAX = 10
BYTES_PER_CALL_MAX = 240 * 1024
"""SQS refuses a batch above 256 KiB in some partitions; a UUID takes 39 bytes in a body."""

MESSAGE_VERSION = 1
RETENTION_S = 14 * 24 * 3600


@dataclass(frozen=True, slots=True)
class SqsSettings:
    """Where the queue is and how it behaves; `endpoint_url` None is AWS itself."""

    queue_name: str
    endpoint_url: str | None = None
    visibility_timeout_s: int = 120
    max_receive_count: int = 5
    connect_timeout_s: float = 2
    answer_timeout_s: float = 10
    """Longer than any receive waits for a message."""

    @property
    def dead_letter_queue_name(self) -> str:
        return f"{self.queue_name}-dlq"


@dataclass(frozen=True)
class SqsQueue:
    """One process's connection to the queue; may be shared by threads."""

    settings: SqsSettings
    _urls: dict[str, str] = field(default_factory=dict)

    @cached_property
    def client(self) -> Any:
        """The boto3 client: made once, at the first use, because that and the import take 150 ms."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "sqs",
            endpoint_url=self.settings.endpoint_url,
            config=Config(
                connect_timeout=self.settings.connect_timeout_s,
                read_timeout=self.settings.answer_timeout_s,
                retries={"mode": "standard", "total_max_attempts": 3},
                max_pool_connections=32,
                parameter_validation=False,
            ),
        )

    def missing(self) -> list[str]:
        """Return the names of the two queues that do not exist yet."""
        names = (self.settings.queue_name, self.settings.dead_letter_queue_name)
        with queue_errors():
            return [name for name in names if not self._exists(name)]

    def create(self) -> None:
        """Create the queue and its dead-letter queue; does nothing to those that exist."""
        with queue_errors():
            self.client.create_queue(
                QueueName=self.settings.dead_letter_queue_name,
                Attributes={"MessageRetentionPeriod": str(RETENTION_S)},
            )
            dead_letters = self.client.get_queue_attributes(
                QueueUrl=self._url(self.settings.dead_letter_queue_name), AttributeNames=["QueueArn"]
            )
            policy = {
                "deadLetterTargetArn": dead_letters["Attributes"]["QueueArn"],
                "maxReceiveCount": self.settings.max_receive_count,
            }
            self.client.create_queue(
                QueueName=self.settings.queue_name,
                Attributes={
                    "MessageRetentionPeriod": str(RETENTION_S),
                    "VisibilityTimeout": str(self.settings.visibility_timeout_s),
                    "RedrivePolicy": json.dumps(policy),
                },
            )

    def send(self, messages: Sequence[OutgoingMessage]) -> SendOutcome:
        bodies = [encode(message) for message in messages]
        failed: set[int] = set()
        with queue_errors():
            url = self._url(self.settings.queue_name)
            for positions in calls_of(bodies):
                answer = self.client.send_message_batch(
                    QueueUrl=url,
                    Entries=[{"Id": str(position), "MessageBody": bodies[position]} for position in positions],
                )
                # SQS answers 200 even when it refused some of the entries.
                failed.update(int(entry["Id"]) for entry in answer.get("Failed", ()))
        return SendOutcome(frozenset(failed))

    def receive(self, *, wait_s: int) -> list[QueueMessage]:
        return self._receive(self.settings.queue_name, WaitTimeSeconds=wait_s)

    def receive_dead_letters(self, *, hold_s: int) -> list[QueueMessage]:
        # A short wait, because without any SQS asks only some of its servers.
        return self._receive(self.settings.dead_letter_queue_name, WaitTimeSeconds=1, VisibilityTimeout=hold_s)

    def delete(self, receipts: Sequence[str]) -> None:
        self._delete(self.settings.queue_name, receipts)

    def delete_dead_letters(self, receipts: Sequence[str]) -> None:
        self._delete(self.settings.dead_letter_queue_name, receipts)

    def release_dead_letters(self, receipts: Sequence[str]) -> None:
        with queue_errors():
            url = self._url(self.settings.dead_letter_queue_name)
            for part in _parts(receipts):
                self.client.change_message_visibility_batch(
                    QueueUrl=url, Entries=[{**entry, "VisibilityTimeout": 0} for entry in _entries(part)]
                )

    def depth(self) -> QueueDepth:
        return self._depth(self.settings.queue_name)

    def dead_letter_depth(self) -> QueueDepth:
        return self._depth(self.settings.dead_letter_queue_name)

    def _receive(self, name: str, **options: int) -> list[QueueMessage]:
        with queue_errors():
            answer = self.client.receive_message(
                QueueUrl=self._url(name),
                MaxNumberOfMessages=ENTRIES_PER_CALL_MAX,
                MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
                **options,
            )
        return [decode(message) for message in answer.get("Messages", ())]

    def _delete(self, name: str, receipts: Sequence[str]) -> None:
        with queue_errors():
            url = self._url(name)
            for part in _parts(receipts):
                # An entry that fails here comes back after its time-out, and changes nothing then.
                self.client.delete_message_batch(QueueUrl=url, Entries=_entries(part))

    def _depth(self, name: str) -> QueueDepth:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        with queue_errors():
            answer = self.client.get_queue_attributes(QueueUrl=self._url(name), AttributeNames=names)
        waiting, in_flight = (int(answer["Attributes"][name]) for name in names)
        return QueueDepth(waiting, in_flight)

    def _exists(self, name: str) -> bool:
        try:
            self._url(name)
        except self.client.exceptions.QueueDoesNotExist:
            return False
        return True

    def _url(self, name: str) -> str:
        if name not in self._urls:
            self._urls[name] = self.client.get_queue_url(QueueName=name)["QueueUrl"]
        return self._urls[name]


@contextmanager
def queue_errors() -> Iterator[None]:
    """Turn whatever boto3 raises into QueueUnavailable."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    try:
        yield
    except (BotoCoreError, ClientError, HTTPClientError) as error:
        raise QueueUnavailable(f"the queue did not answer: {type(error).__name__}") from error


def encode(message: OutgoingMessage) -> str:
    """Return the message's body: ids and a trace context, nothing of the transactions themselves."""
    body: dict[str, Any] = {"v": MESSAGE_VERSION, "transaction_ids": [str(id) for id in message.transaction_ids]}
    if message.traceparent:
        body["traceparent"] = message.traceparent
    return json.dumps(body, separators=(",", ":"))


def decode(message: dict[str, Any]) -> QueueMessage:
    """Return the received message; its `transaction_ids` are None when the body is not one of ours."""
    attributes = message.get("Attributes", {})
    sent_ms = attributes.get("SentTimestamp")
    ids, traceparent = _parse(message["Body"])
    return QueueMessage(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        transaction_ids=ids,
        traceparent=traceparent,
        receive_count=int(attributes.get("ApproximateReceiveCount", 1)),
        sent_at=datetime.fromtimestamp(int(sent_ms) / 1000, UTC) if sent_ms else None,
    )


def _parse(text: str) -> tuple[list[UUID] | None, str | None]:
    try:
        body = json.loads(text)
        if body["v"] != MESSAGE_VERSION:
            return None, None
        traceparent = body.get("traceparent")
        return [UUID(id) for id in body["transaction_ids"]], traceparent if isinstance(traceparent, str) else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # A body that is nested too deep is no better than one that is no JSON.
        return None, None


def _parts(receipts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(receipts), ENTRIES_PER_CALL_MAX):
        yield receipts[start : start + ENTRIES_PER_CALL_MAX]


def _entries(receipts: Sequence[str]) -> list[dict[str, Any]]:
    return [{"Id": str(index), "ReceiptHandle": receipt} for index, receipt in enumerate(receipts)]


def calls_of(bodies: Sequence[str]) -> Iterator[list[int]]:
    """Yield the positions that go into one call: at most 10, and within its size."""
    call: list[int] = []
    size = 0
    for position, body in enumerate(bodies):
        if call and (len(call) == ENTRIES_PER_CALL_MAX or size + len(body) > BYTES_PER_CALL_MAX):
            yield call
            call, size = [], 0
        call.append(position)
        size += len(body)
    if call:
        yield call
