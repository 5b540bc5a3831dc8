from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import boto3
import pytest

from psp_local import LocalStackError
from psp_local.environment import CREDENTIALS
from psp_local.ports import LOOPBACK, free_port, is_free
from psp_local.sqs import EmbeddedSqs
from psp_local.supervision.processes import wait_until
from tests.local_stack.owners import end, read_line, start_owner


def _client(port: int, *, service: str = "sqs") -> Any:
    return boto3.client(
        service,
        endpoint_url=f"http://{LOOPBACK}:{port}",
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
    )


def _send(port: int, body: str) -> None:
    client = _client(port)
    url = client.create_queue(QueueName="queue")["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody=body)


def _received(port: int) -> list[str]:
    client = _client(port)
    url = client.get_queue_url(QueueName="queue")["QueueUrl"]
    return [message["Body"] for message in client.receive_message(QueueUrl=url).get("Messages", [])]


class TestEmbeddedSqs:
    def test_passes_a_message_on(self, tmp_path: Path) -> None:
        with EmbeddedSqs(tmp_path, free_port()) as sqs:
            _send(sqs.port, "hello")

            assert _received(sqs.port) == ["hello"]

    def test_keeps_messages_and_reports_over_a_stop_even_on_another_port(self, tmp_path: Path) -> None:
        with EmbeddedSqs(tmp_path, free_port()) as sqs:
            _send(sqs.port, "kept")
            _client(sqs.port, service="s3").create_bucket(Bucket="reports")
            _client(sqs.port, service="s3").put_object(Bucket="reports", Key="day.csv", Body=b"1,2")

        with EmbeddedSqs(tmp_path, free_port()) as sqs:
            assert _received(sqs.port) == ["kept"]
            report = _client(sqs.port, service="s3").get_object(Bucket="reports", Key="day.csv")
            assert report["Body"].read() == b"1,2"

    def test_keeps_messages_when_its_owner_is_killed(self, tmp_path: Path) -> None:
        port = free_port()
        owner = start_owner("sqs", tmp_path, port)
        read_line(owner, containing="ready")
        _send(port, "kept")

        end(owner)

        assert wait_until(lambda: is_free(port), timeout_s=30)
        with EmbeddedSqs(tmp_path, port) as sqs:
            assert _received(sqs.port) == ["kept"]

    def test_listens_on_the_loopback_address_only(self, tmp_path: Path) -> None:
        with EmbeddedSqs(tmp_path, free_port()) as sqs:
            addresses = _listening_addresses(sqs.port)

        assert addresses == {"0100007F"}

    def test_says_who_holds_its_port(self, tmp_path: Path) -> None:
        with socket.create_server((LOOPBACK, free_port())) as server:
            sqs = EmbeddedSqs(tmp_path, server.getsockname()[1])

            with pytest.raises(LocalStackError, match=rf"in use by .*\(pid {os.getpid()}\)"):
                sqs.start()


def _listening_addresses(port: int) -> set[str]:
    """Return the local addresses in the kernel's hexadecimal, lowest byte first."""
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    rows = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    ends = [row[1].split(":") for row in rows if row[3] == "0A"]
    return {address for address, number in ends if int(number, 16) == port}
