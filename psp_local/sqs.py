"""An SQS (and S3) endpoint as a child of this process: `ministack`, with its messages kept over a clean stop."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from psp_local.environment import CREDENTIALS
from psp_local.ports import LOOPBACK, answers_http, require_free
from psp_local.supervision.program import Program

# It names a queue by the port that it believes to listen on: another port would be another set of queues, and the
# messages in the old ones out of reach. So it believes this, wherever it listens; whoever asks is told the real one.
_PORT_IN_NAMES = "14566"


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
        log_file: Path | None = None,
    ) -> None:
        self.port = port
        self.endpoint_url = f"http://{LOOPBACK}:{port}"
        """What boto3 takes as `endpoint_url`."""
        state = state_dir.resolve()
        configuration = {
            "GATEWAY_PORT": _PORT_IN_NAMES,
            "SERVICES": services,
            "LOG_LEVEL": "WARNING",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(state),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(state / "s3"),
            "MINISTACK_REGION": CREDENTIALS["AWS_DEFAULT_REGION"],
            "TMPDIR": str(state),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            # A Docker daemon on the machine is none of its business: without this it removes containers there.
            "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        }
        super().__init__(
            "sqs",
            # What `ministack --detach` does.
            command=[
                *(sys.executable, "-m", "hypercorn", "ministack.app:app", "--bind", f"{LOOPBACK}:{port}"),
                # No worker of its own: the process that is started is the one that serves, and that is killed.
                *("--workers", "0", "--keep-alive", "75", "--log-level", "WARNING"),
            ],
            environment={**os.environ, **configuration},
            folder=state_dir,
            log_file=log_file or state_dir / "ministack.log",
            ready=lambda: answers_http(port, path="/_ministack/ready"),
        )

    def launch(self) -> None:
        """Start without waiting. Raises `LocalStackError` for a busy port."""
        require_free(self.port, purpose="the SQS endpoint", setting="PSP_SQS_PORT")
        self.folder.mkdir(parents=True, exist_ok=True)
        super().launch()
