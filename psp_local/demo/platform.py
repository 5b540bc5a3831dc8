"""The platform that the demonstration uses: the one that runs, or one of its own; and an API that lives in the past."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url

from psp_local.commands import api
from psp_local.dagster_api import code_is_loaded
from psp_local.databases import DatabaseLogins
from psp_local.environment import load_stack_environment, read_plan
from psp_local.ports import LOOPBACK, answers, answers_http, free_port
from psp_local.postgres import EmbeddedPostgres
from psp_local.supervision.processes import wait_until
from psp_local.supervision.program import Program

_READY = b"psp runs"
_ANSWERS_WITHIN_S = 60
_STARTED_WITHIN_S = 300
_STOPPED_WITHIN_S = 120


@dataclass(frozen=True, slots=True)
class Platform:
    """A running stack; `environment` is what its own programs are told."""

    root: Path
    data_dir: Path
    environment: Mapping[str, str]
    started_here: Program | None

    @property
    def api_url(self) -> str:
        return f"http://{self.environment['PSP_API_BIND']}"

    @property
    def operations_url(self) -> str:
        return self.environment["PSP_OPERATIONS_URL"]


@contextmanager
def running_platform(*, root: Path, data_dir: Path, say: Callable[[str], None]) -> Iterator[Platform]:
    """Yield the stack that runs in `data_dir`; if none does, start one, which is stopped at the end.

    Raises LocalStackError when it cannot start, in the stack's own words.
    """
    own = load_stack_environment(root)
    if _runs(own):
        say(f"using the platform that runs at http://{own['PSP_API_BIND']}")
        yield Platform(root, data_dir, {**os.environ, **own}, started_here=None)
        return
    log = data_dir / "logs" / "demo-stack.log"
    say(f"starting the platform, which takes a while (log: {log})")
    stack = _stack(root, log=log)
    try:
        stack.start()
        yield Platform(root, data_dir, {**os.environ, **load_stack_environment(root)}, started_here=stack)
    finally:
        if stack.runs():
            say("stopping the platform; the data stays")
        stack.stop()


@contextmanager
def api_in_the_past(platform: Platform, *, start: datetime, speed: float) -> Iterator[str]:
    """Yield the address of another API process of the platform, whose clock starts at `start` and runs too fast."""
    folder = platform.data_dir / "demo"
    plan = replace(
        read_plan(platform.environment, root=platform.root, data_dir=folder), api_port=free_port(), data_dir=folder
    )
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


def _as_the_api(platform: Platform) -> Mapping[str, str]:
    """Return the platform's environment with the API's logins instead of the terminal's."""
    plan = read_plan(platform.environment, root=platform.root, data_dir=platform.data_dir)
    if not plan.embeds_postgres:
        return platform.environment
    postgres = EmbeddedPostgres(plan.data_dir / "postgres", plan.postgres_port)
    logins = DatabaseLogins(make_url(platform.environment["PSP_DATABASE_URL"]), postgres.password)
    return logins.environment("api", shared=platform.environment)


def _runs(own: Mapping[str, str]) -> bool:
    api_port = urlsplit(f"//{own.get('PSP_API_BIND', '')}").port
    web_port = urlsplit(own.get("PSP_OPERATIONS_URL", "")).port
    if not api_port or not web_port or not answers(api_port):
        return False
    # A busy machine, or one on which the platform is just starting, may need a while to say that all is well.
    return wait_until(
        lambda: answers_http(api_port, path="/health/ready") and code_is_loaded(web_port=web_port),
        timeout_s=_ANSWERS_WITHIN_S,
    )


def _stack(root: Path, *, log: Path) -> Program:
    log.parent.mkdir(parents=True, exist_ok=True)
    # Of this start only: it is read to see whether the platform runs.
    log.write_bytes(b"")
    return Program(
        "the platform",
        command=[Path(sys.executable).parent / "psp", "up"],
        environment={**os.environ, "PYTHONUNBUFFERED": "1"},
        folder=root,
        log_file=log,
        ready=lambda: _READY in log.read_bytes(),
        ready_within_s=_STARTED_WITHIN_S,
        stop_within_s=_STOPPED_WITHIN_S,
        stop_signal=signal.SIGINT,
    )
