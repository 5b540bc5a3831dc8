"""The SQS endpoint's container, without a container: its start script and its health check."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from psp_core.adapters.sqs import SqsQueue
from psp_core.bootstrap import sqs_settings
from psp_core.settings import Settings
from psp_local.ports import free_port
from psp_local.supervision.program import Program

ROOT = Path(__file__).parents[2]
# Nobody is there, as nobody lets the container in.
NO_DATABASE = "postgresql+psycopg2://127.0.0.1:1/psp"


class LocalSqs:
    """What the container runs and asks, at a port of its own."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        stage = re.search(r"AS local-sqs\n(.*?)\n\n", (ROOT / "Dockerfile").read_text(), re.DOTALL)
        assert stage is not None
        check, start = (
            json.loads(found.replace("4566", str(port)))
            for found in re.findall(r"CMD (\[.*\])", stage[1], re.MULTILINE)
        )
        self._check = [sys.executable, *check[1:]]
        settings = Settings(database_url=NO_DATABASE, sqs_endpoint_url=f"http://127.0.0.1:{port}")
        self.queue = SqsQueue(sqs_settings(settings))
        binaries = Path(sys.executable).parent
        self.program = Program(
            "local-sqs",
            command=[str(shutil.which(start[0])), *start[1:]],
            environment={
                **os.environ,
                "PATH": f"{binaries}:{os.environ['PATH']}",
                "GATEWAY_PORT": str(port),
                "BIND_HOST": "127.0.0.1",
                "SERVICES": "sqs",
                "PERSIST_STATE": "1",
                "STATE_DIR": str(folder),
                "TMPDIR": str(folder),
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
                "DOCKER_HOST": "unix:///nonexistent/docker.sock",
                "PSP_DATABASE_URL": NO_DATABASE,
                "PSP_SQS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            },
            folder=ROOT,
            log_file=folder / "log",
            ready=self.is_healthy,
        )

    def is_healthy(self) -> bool:
        """Ask what the image's health check asks."""
        return subprocess.run(self._check, capture_output=True, check=False).returncode == 0


@pytest.fixture
def local_sqs(tmp_path: Path) -> Iterator[LocalSqs]:
    found = LocalSqs(tmp_path)
    with found.program:
        yield found


class TestTheEndpointOfOneMachine:
    def test_has_its_queues_without_a_database_and_again_after_it_was_killed(self, local_sqs: LocalSqs) -> None:
        assert local_sqs.queue.missing() == []
        assert local_sqs.program.process is not None

        local_sqs.program.process.kill()
        local_sqs.program.process.wait()
        local_sqs.program.start()

        assert local_sqs.queue.missing() == []

    def test_is_not_well_without_its_queues(self, local_sqs: LocalSqs) -> None:
        assert local_sqs.is_healthy()

        client = local_sqs.queue.client
        client.delete_queue(QueueUrl=client.get_queue_url(QueueName=local_sqs.queue.settings.queue_name)["QueueUrl"])

        assert not local_sqs.is_healthy()
