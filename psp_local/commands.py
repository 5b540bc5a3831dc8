"""The platform's own programs, as command lines; nothing of it is imported here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from psp_local.dagster_api import code_is_loaded, daemons_beat_since
from psp_local.environment import Plan
from psp_local.ports import LOOPBACK, answers_http
from psp_local.private_folder import answers_on, close_to_others
from psp_local.supervision.program import Program

# Not resolved: a virtual environment's interpreter is a link, and the commands lie beside the link.
COMMANDS = Path(sys.executable).parent
Environment = Mapping[str, str]


def api(plan: Plan, *, environment: Environment) -> Program:
    """The merchant API under gunicorn, whose master ends its workers after their last request."""
    bind = ("--bind", f"{LOOPBACK}:{plan.api_port}")
    command = ("gunicorn", "-c", "psp_api/gunicorn_conf.py", *bind, "psp_api.main:create_app()")
    return _program(plan, "api", command, environment, ready=lambda: answers_http(plan.api_port, path="/"))


def code_server(plan: Plan, *, environment: Environment) -> Program:
    """Dagster's code server; its workers are the runs, which outlive it: a drain in an outage is not to pay for it."""
    close_to_others(plan.code_socket.parent)
    socket = ("--socket", str(plan.code_socket))
    command = ("dagster", "api", "grpc", *socket, "-m", "psp_pipelines.definitions")
    return _program(
        plan, "dagster-code", command, environment, ready=lambda: answers_on(plan.code_socket), has_workers=True
    )


def webserver(plan: Plan, *, environment: Environment) -> Program:
    """Dagster's web interface, which refuses what another site makes a browser send."""
    module = ("python", "-m", "psp_pipelines.access.webserver")
    command = (*module, "--host", LOOPBACK, "--port", str(plan.web_port))
    return _program(plan, "dagster-web", command, environment, ready=lambda: code_is_loaded(web_port=plan.web_port))


def daemon(plan: Plan, *, environment: Environment) -> Program:
    """Dagster's daemon: sensors, schedules, the run queue, backfills."""

    def is_ready() -> bool:
        return daemons_beat_since(program.launched_at_s, web_port=plan.web_port)

    command = ("dagster-daemon", "run", "-w", "workspace.yaml")
    # While the code server starts again, no asset is known. A backfill waits then, instead of cancelling its runs.
    environment = {**environment, "DAGSTER_BACKFILL_RETRY_DEFINITION_CHANGED_ERROR": "1"}
    program = _program(plan, "dagster-daemon", command, environment, ready=is_ready)
    return program


def one_shot(plan: Plan, *arguments: str, environment: Environment) -> Program:
    """A `psp` command that ends by itself."""
    return _program(plan, arguments[0], ("psp", *arguments), environment, ready=lambda: True)


def _program(
    plan: Plan,
    name: str,
    command: tuple[str, ...],
    environment: Environment,
    *,
    ready: Callable[[], bool],
    has_workers: bool = False,
) -> Program:
    return Program(
        name,
        command=[COMMANDS / command[0], *command[1:]],
        environment=environment,
        folder=plan.root,
        log_file=plan.logs / f"{name}.log",
        ready=ready,
        has_workers=has_workers,
    )
