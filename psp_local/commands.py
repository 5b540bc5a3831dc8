"""The platform's own programs, as command lines; nothing of it is imported here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from psp_local.dagster_api import code_is_loaded, daemons_beat_since
from psp_local.environment import Plan
from psp_local.ports import LOOPBACK, answers_http
from psp_local.sockets import answers_on, close_to_others
from psp_local.supervision.program import Program

# Not resolved: a virtual environment's interpreter is a link, and the commands lie beside the link.
COMMANDS = Path(sys.executable).parent


def api(plan: Plan, *, environment: Mapping[str, str]) -> Program:
    """The merchant API under gunicorn, whose master ends its workers after their last request."""
    return _program(
        plan,
        name="api",
        command=["gunicorn", "-c", "psp_api/gunicorn_conf.py", "--bind", f"{LOOPBACK}:{plan.api_port}",
                 "psp_api.main:create_app()"],
        environment=environment,
        ready=lambda: answers_http(plan.api_port, path="/"),
    )  # fmt: skip


def code_server(plan: Plan, *, environment: Mapping[str, str]) -> Program:
    """Dagster's code server; its session holds the run workers, which are interrupted with it."""
    close_to_others(plan.code_socket.parent)
    return _program(
        plan,
        name="dagster-code",
        command=["dagster", "api", "grpc", "--socket", str(plan.code_socket), "-m", "psp_pipelines.definitions"],
        environment=environment,
        ready=lambda: answers_on(plan.code_socket),
        stop_whole_session=True,
    )


def webserver(plan: Plan, *, environment: Mapping[str, str]) -> Program:
    """Dagster's web interface, which refuses what another site makes a browser send."""
    return _program(
        plan,
        name="dagster-web",
        command=["python", "-m", "psp_pipelines.access.webserver", "--host", LOOPBACK, "--port", str(plan.web_port)],
        environment=environment,
        ready=lambda: code_is_loaded(web_port=plan.web_port),
    )


def daemon(plan: Plan, *, environment: Mapping[str, str]) -> Program:
    """Dagster's daemon: sensors, schedules, the run queue, backfills."""
    program = _program(
        plan,
        name="dagster-daemon",
        command=["dagster-daemon", "run", "-w", "workspace.yaml"],
        environment=environment,
        ready=lambda: daemons_beat_since(program.launched_at_s, web_port=plan.web_port),
    )
    return program


def one_shot(plan: Plan, *, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Program:
    """A `psp` command that ends by itself."""
    return _program(plan, name=name, command=["psp", *arguments], environment=environment, ready=lambda: True)


def _program(
    plan: Plan,
    *,
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    ready: Callable[[], bool],
    stop_whole_session: bool = False,
) -> Program:
    return Program(
        name,
        command=[COMMANDS / command[0], *command[1:]],
        environment=environment,
        folder=plan.root,
        log_file=plan.logs / f"{name}.log",
        ready=ready,
        stop_whole_session=stop_whole_session,
    )
