"""The platform that the demonstration uses: the one that runs, or one of its own; and an API that lives in the past."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url

from psp_local import LocalStackError
from psp_local.commands import COMMANDS, api
from psp_local.dagster_api import code_is_loaded
from psp_local.databases import DatabaseLogins
from psp_local.environment import DATABASE, Plan, load_stack_environment, read_plan
from psp_local.ports import LOOPBACK, answers_http, free_port
from psp_local.postgres import EmbeddedPostgres
from psp_local.supervision.guard import stack_lives
from psp_local.supervision.processes import wait_until
from psp_local.supervision.program import Program

_WITHIN_S = 300


@dataclass(frozen=True, slots=True)
class Platform:
    """A running stack; `environment` is what another terminal is told about it."""

    plan: Plan
    environment: Mapping[str, str]

    @property
    def api_url(self) -> str:
        return f"http://{self.environment['PSP_API_BIND']}"

    @property
    def operations_url(self) -> str:
        return self.environment["PSP_OPERATIONS_URL"]

    def psp(self, *arguments: str, **variables: str) -> str:
        """Run a `psp` command and return what it printed. Raises LocalStackError when it fails."""
        done = subprocess.run(
            [COMMANDS / "psp", *arguments],
            env={**self.environment, **variables},
            cwd=self.plan.root,
            capture_output=True,
            text=True,
            timeout=_WITHIN_S,
            check=False,
        )
        if done.returncode != 0:
            raise LocalStackError(f"psp {' '.join(arguments)} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout.strip()


@contextmanager
def running_platform(*, root: Path, data_dir: Path, say: Callable[[str], None]) -> Iterator[Platform]:
    """Yield the stack that runs in `data_dir`; if none does, start one, which is stopped at the end.

    Raises LocalStackError when it cannot start, in the stack's own words, or does not answer.
    """
    if stack_lives(data_dir):
        platform = _platform(root, data_dir)
        say(f"using the platform that runs at {platform.api_url}")
        # It may be just starting.
        if not wait_until(lambda: _answers(platform), timeout_s=_WITHIN_S):
            raise LocalStackError(f"The platform at {platform.api_url} does not answer within {_WITHIN_S} s.")
        yield platform
        return
    log = data_dir / "logs" / "demo-stack.log"
    say(f"starting the platform, which takes a while (log: {log})")
    # Of this start only: it is read to see whether the platform runs.
    log.unlink(missing_ok=True)
    with Program(
        "the platform",
        command=[COMMANDS / "psp", "up"],
        environment={**os.environ, "PYTHONUNBUFFERED": "1"},
        folder=root,
        log_file=log,
        ready=lambda: b"psp runs" in log.read_bytes(),
        ready_within_s=_WITHIN_S,
        stop_within_s=_WITHIN_S,
        stop_signal=signal.SIGINT,
    ):
        yield _platform(root, data_dir)
        say("stopping the platform; the data stays")


@contextmanager
def api_in_the_past(platform: Platform, *, start: datetime, speed: float) -> Iterator[str]:
    """Yield the address of another API process of the platform, whose clock starts at `start` and runs too fast."""
    plan = replace(platform.plan, api_port=free_port(), data_dir=platform.plan.data_dir / "demo")
    environment = {
        **_as_the_api(platform),
        "PSP_CLOCK_START": start.isoformat(),
        "PSP_CLOCK_SPEED": str(speed),
        # Each worker has a clock of its own, which starts with it.
        "PSP_API_WORKERS": "1",
        # On the loopback interface, and only as long as the demonstration lasts.
        "PSP_AUTH_MODE": "trusted-header",
    }
    with api(plan, environment=environment):
        yield f"http://{LOOPBACK}:{plan.api_port}"


def _platform(root: Path, data_dir: Path) -> Platform:
    environment = {**os.environ, **load_stack_environment(root)}
    return Platform(read_plan(environment, root=root, data_dir=data_dir), environment)


def _as_the_api(platform: Platform) -> Mapping[str, str]:
    """Return the platform's environment with the API's logins instead of the terminal's."""
    plan = platform.plan
    if DATABASE not in plan.embedded:
        return platform.environment
    postgres = EmbeddedPostgres(plan.data_dir / "postgres", plan.postgres_port)
    logins = DatabaseLogins(make_url(platform.environment[DATABASE]), postgres.password)
    return logins.environment("api", shared=platform.environment)


def _answers(platform: Platform) -> bool:
    api_port, web_port = urlsplit(platform.api_url).port, urlsplit(platform.operations_url).port
    return bool(
        api_port and web_port and answers_http(api_port, path="/health/ready") and code_is_loaded(web_port=web_port)
    )
