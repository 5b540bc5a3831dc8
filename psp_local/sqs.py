"""An SQS (and S3) endpoint as a child of this process: `ministack`, with its messages kept over a clean stop."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from psp_local import LocalStackError
from psp_local.ports import LOOPBACK, answers_http, require_free
from psp_local.supervision.program import Program

MINISTACK_VERSION = "1.5.33"
# The endpoint accepts any credentials; boto3 does not sign without some.
CREDENTIALS = MappingProxyType(
    {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "us-east-1"}
)
_NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
# How it names a queue in its files: with the port it had when the queue was created.
_QUEUE_ADDRESS = re.compile(rb"http://localhost:[0-9]{1,5}/(?=[0-9]{12}/)")


class EmbeddedSqs(Program):
    """SQS on the loopback `port`. A clean stop keeps queues and messages below `state_dir`; `kill -9` loses them.

    It stops cleanly when the thread that started it ends, even by `kill -9` of that one.
    """

    def __init__(
        self,
        state_dir: Path,
        port: int,
        *,
        services: str = "sqs,s3",
        environment: Mapping[str, str] = _NO_VARIABLES,
        log_file: Path | None = None,
    ) -> None:
        self.port = port
        self._state_dir = state_dir
        super().__init__(
            "sqs",
            command=[sys.executable, "-m", "ministack"],
            environment={**os.environ, **environment, **_configuration(state_dir, port=port, services=services)},
            folder=state_dir,
            log_file=log_file or state_dir / "ministack.log",
            ready=lambda: answers_http(port, path="/_ministack/ready"),
            ready_within_s=60,
        )

    @property
    def endpoint_url(self) -> str:
        """What boto3 takes as `endpoint_url`."""
        return f"http://{LOOPBACK}:{self.port}"

    def launch(self) -> None:
        """Start without waiting. Raises `LocalStackError` for a wrong version or a busy port."""
        _require_version()
        require_free(self.port, purpose="the SQS endpoint", setting="PSP_SQS_PORT")
        self._state_dir.mkdir(parents=True, exist_ok=True)
        self._move_queues_to_this_port()
        super().launch()

    def _move_queues_to_this_port(self) -> None:
        # Otherwise another port would be another set of queues, and the messages in the old ones out of reach.
        saved = self._state_dir / "sqs.json"
        if saved.exists():
            moved = saved.with_suffix(".moved")
            moved.write_bytes(_QUEUE_ADDRESS.sub(f"http://localhost:{self.port}/".encode(), saved.read_bytes()))
            moved.replace(saved)


def _configuration(state_dir: Path, *, port: int, services: str) -> dict[str, str]:
    state = str(state_dir.resolve())
    return {
        "GATEWAY_PORT": str(port),
        # It listens on every interface by default.
        "BIND_HOST": LOOPBACK,
        "SERVICES": services,
        "LOG_LEVEL": "WARNING",
        "PERSIST_STATE": "1",
        "STATE_DIR": state,
        "S3_PERSIST": "1",
        "S3_DATA_DIR": f"{state}/s3",
        "MINISTACK_REGION": CREDENTIALS["AWS_DEFAULT_REGION"],
        # Its pid file goes to the temporary folder, where a second one on the same port would meet it.
        "TMPDIR": state,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # A Docker daemon on the machine is none of its business: without this it removes containers there.
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
    }


def _require_version() -> None:
    try:
        version = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        version = "missing"
    if version != MINISTACK_VERSION:
        raise LocalStackError(
            f"ministack is {version}, but {MINISTACK_VERSION} is needed: install ministack=={MINISTACK_VERSION} with "
            "the boto3 it pins, or set PSP_SQS_ENDPOINT_URL to an endpoint of your own."
        )
