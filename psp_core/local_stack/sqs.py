"""An SQS (and S3) endpoint as a child of this process: `ministack`, with its messages kept over a clean stop."""

from __future__ import annotations

import http.client
import importlib.metadata
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from psp_core.local_stack import LocalStackError
from psp_core.local_stack.ports import LOOPBACK, is_free, who_uses
from psp_core.local_stack.processes import spawn_tied, wait_until

MINISTACK_VERSION = "1.5.33"
# The endpoint accepts any credentials; boto3 does not sign without some.
CREDENTIALS = MappingProxyType(
    {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "us-east-1"}
)
_STOP_WITHIN_S = 15
# A Docker daemon on the machine is none of its business: without this it removes containers there.
_NO_DOCKER = "unix:///nonexistent/docker.sock"


class EmbeddedSqs:
    """SQS on the loopback `port`. A clean stop keeps queues and messages below `state_dir`; `kill -9` loses them.

    It stops cleanly when the thread that started it ends, even by `kill -9` of that one.
    """

    name = "sqs"
    ready_within_s = 60.0

    def __init__(self, state_dir: Path, port: int, *, services: str = "sqs,s3", log_file: Path | None = None) -> None:
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        self._state_dir = state_dir
        self._services = services
        self.log_file = log_file or state_dir / "ministack.log"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def endpoint_url(self) -> str:
        """What boto3 takes as `endpoint_url`."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Start and wait until requests are answered. Raises `LocalStackError`, in one sentence."""
        self.launch()
        ended_or_ready = wait_until(lambda: self.is_ready() or not self._runs(), timeout_s=self.ready_within_s)
        if not (ended_or_ready and self.is_ready()):
            self.stop()
            raise LocalStackError(f"The SQS endpoint did not start; its log is {self.log_file}.")

    def launch(self) -> None:
        """Start without waiting."""
        _require_version()
        self._state_dir.mkdir(parents=True, exist_ok=True)
        if not is_free(self.port):
            raise LocalStackError(f"Port {self.port}, meant for the SQS endpoint, is in use by {who_uses(self.port)}.")
        self.process = spawn_tied(
            [sys.executable, "-m", "ministack"],
            environment=self._environment(),
            folder=self._state_dir,
            log_file=self.log_file,
            death_signal=signal.SIGTERM,
        )

    def is_ready(self) -> bool:
        """Tell whether the endpoint answers requests."""
        if not self._runs():
            return False
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=2)
        try:
            connection.request("GET", "/_ministack/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """Stop, writing what is queued to disk. Does nothing when it does not run."""
        if self.process is None:
            return
        if self._runs():
            self.process.terminate()
            wait_until(lambda: not self._runs(), timeout_s=_STOP_WITHIN_S)
        if self._runs():
            self.process.kill()
        self.process.wait()
        self.process = None

    def _runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _environment(self) -> dict[str, str]:
        state = str(self._state_dir.resolve())
        own = {
            "GATEWAY_PORT": str(self.port),
            # It listens on every interface by default.
            "BIND_HOST": LOOPBACK,
            "SERVICES": self._services,
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
            "DOCKER_HOST": _NO_DOCKER,
        }
        return {**os.environ, **own}


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
