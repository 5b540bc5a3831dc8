"""The platform in containers: docker-compose.yml as it is, with secrets, ports and a name of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from psp_local.ports import free_port
from tests.e2e.platform import ROOT, RunningPlatform
from tests.waiting import wait_for

# As it was before the session's fixtures took every PSP_* variable away: PSP_VERSION and PSP_REVISION name the image.
_ENVIRONMENT = dict(os.environ)
OPERATOR, VIEWER = ("operator", "operator-of-the-test"), ("viewer", "viewer-of-the-test")
# The first start builds the images.
_UP_WITHIN_S = 1_800
_UNAVAILABLE = 503
_AVAILABLE_WITHIN_S = 60


@dataclass(frozen=True)
class Compose:
    """`docker compose` for one project."""

    project: str
    environment: dict[str, str] = field(repr=False)

    def __call__(self, *arguments: str, check: bool = True) -> str:
        command = ["docker", "compose", "--project-name", self.project, *arguments]
        ended = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=_UP_WITHIN_S, check=False
        )
        assert ended.returncode == 0 or not check, f"{command}: {ended.stdout}\n{ended.stderr}"
        return ended.stdout.strip()

    def inspect(self) -> dict[str, dict[str, Any]]:
        """What the engine says of each service's container."""
        ids = self("ps", "--all", "--quiet").split()
        found = subprocess.run(
            ["docker", "inspect", *ids], env=self.environment, capture_output=True, text=True, check=True
        ).stdout
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in json.loads(found)}


class _SendsAgain(httpx.HTTPTransport):
    """What is answered with 503 is sent again, as the API asks merchants to: a busy machine is no fault."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        what = f"another answer than {_UNAVAILABLE} to {request.method} {request.url.path}"
        answer = wait_for(lambda: self._answer(request), within_s=_AVAILABLE_WITHIN_S, what=what)
        assert answer is not None
        return answer

    def _answer(self, request: httpx.Request) -> httpx.Response | None:
        response = super().handle_request(request)
        if response.status_code != _UNAVAILABLE:
            return response
        response.close()
        return None


@dataclass(frozen=True)
class ComposedPlatform(RunningPlatform):
    """Spoken to through the proxy, as an operator by `dagster` and as a viewer by `viewer`."""

    compose: Compose
    viewer: httpx.Client

    def post_transaction(self, *, customer_id: str, key: str | None = None, **changes: Any) -> httpx.Response:
        # Sent again it may not be a second transaction.
        return super().post_transaction(customer_id=customer_id, key=key or uuid.uuid4().hex, **changes)

    def psp(self, *arguments: str) -> str:
        return self.compose("run", "--rm", "--no-deps", "-T", "operator", "psp", *arguments)

    def act_as(self, customer_id: str) -> None:
        """Give the API's client a key of the merchant's."""
        key = self.psp("keys", "create", customer_id, "--scope", "read", "--scope", "write", "--reason", "a test")
        self.api.headers["Authorization"] = f"Bearer {key}"

    def kill_main_process(self, service: str) -> None:
        """Kill what the container runs, so that the engine sees it die and starts it again."""
        kill = "import os; os.kill(int(open('/proc/1/task/1/children').read().split()[0]), 9)"
        self.compose("exec", "-T", service, "python", "-c", kill, check=False)


@contextmanager
def composed_platform(folder: Path) -> Iterator[ComposedPlatform]:
    """Build, start, wait until all is healthy; in the end nothing is left but the images."""
    ports = {name: free_port() for name in ("PSP_API_PORT", "PSP_OPERATORS_PORT", "PSP_VIEWERS_PORT")}
    environment = {
        **_ENVIRONMENT,
        **{name: str(port) for name, port in ports.items()},
        **_secrets(folder),
        "DOCKER_BUILDKIT": _ENVIRONMENT.get("DOCKER_BUILDKIT", "1" if _has_buildkit() else "0"),
    }
    compose = Compose(f"psp-test-{uuid.uuid4().hex[:8]}", environment)
    api, operators, viewers = (f"http://127.0.0.1:{port}" for port in ports.values())
    try:
        compose("build")
        _up(compose)
        with (
            httpx.Client(base_url=api, timeout=60, transport=_SendsAgain()) as merchant,
            httpx.Client(base_url=operators, timeout=120, auth=OPERATOR) as operator,
            httpx.Client(base_url=viewers, timeout=60, auth=VIEWER) as viewer,
        ):
            yield ComposedPlatform(folder, merchant, operator, environment, compose=compose, viewer=viewer)
    finally:
        compose("down", "--volumes", "--timeout", "20")


def _up(compose: Compose) -> None:
    try:
        compose("up", "--wait", "--wait-timeout", "600")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{compose('ps', '--all')}\n{compose('logs', '--tail', '40')}") from None


def _secrets(folder: Path) -> dict[str, str]:
    """Run deploy/make-env in a folder of its own, and return what it made up."""
    (folder / "deploy").mkdir()
    script = shutil.copy(ROOT / "deploy/make-env", folder / "deploy")
    passwords = {"OPERATOR_PASSWORD": OPERATOR[1], "VIEWER_PASSWORD": VIEWER[1]}
    subprocess.run([script], env=_ENVIRONMENT | passwords, check=True, capture_output=True)
    lines = [line for line in (folder / ".env").read_text().splitlines() if not line.startswith("#")]
    variables = dict(line.split("=", 1) for line in lines)
    files = {name: str(folder / value) for name, value in variables.items() if name.endswith("_FILE")}
    return variables | files


def _has_buildkit() -> bool:
    return subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False).returncode == 0
