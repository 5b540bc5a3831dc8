"""What `make` starts: database, queue, API and Dagster, in the order in which they need each other."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import OperationalError

from psp_core.local_stack import LocalStackError
from psp_core.local_stack.commands import api, code_server, daemon, one_shot, webserver
from psp_core.local_stack.dagster_api import a_drain_runs, code_errors, end_dead_runs
from psp_core.local_stack.environment import Plan, platform_variables, read_plan, shield, write_stack_environment
from psp_core.local_stack.ports import require_free
from psp_core.local_stack.postgres import EmbeddedPostgres, create_database
from psp_core.local_stack.sqs import EmbeddedSqs
from psp_core.local_stack.supervision.program import Program
from psp_core.local_stack.supervision.supervisor import StopRequested, Supervisor
from psp_core.local_stack.welcome import welcome
from psp_core.settings import CalendarSettings, SettingsRefused, load

DATABASE, DAGSTER_DATABASE = "psp", "dagster"
_DRAIN_WITHIN_S = 30
"""A drain run is not waited for longer: an operator may have switched its sensor off."""
_NEEDED_FILES = ("workspace.yaml", "dagster.yaml", "psp_api/gunicorn_conf.py")


def run_stack(*, root: Path, data_dir: Path) -> int:
    """Run the platform of the repository `root` until Ctrl-C, with its data below `data_dir`.

    Returns the exit code: 0 after a stop that was asked for, 1 when it cannot start, which is one sentence.
    """
    try:
        _run(root=root, data_dir=data_dir)
    except LocalStackError as error:
        print(f"psp: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"psp: {error.strerror}: {error.filename}", file=sys.stderr)
        return 1
    return 0


def _run(*, root: Path, data_dir: Path) -> None:
    if sys.platform != "linux":
        raise LocalStackError("The local stack needs Linux: run it in a container or a virtual machine.")
    try:
        load(CalendarSettings)
    except SettingsRefused as refusal:
        raise LocalStackError(str(refusal)) from None
    plan = read_plan(os.environ, root=root, data_dir=data_dir)
    shield(os.environ, embeds_postgres=plan.embeds_postgres, embeds_sqs=plan.embeds_sqs)
    for name in _NEEDED_FILES:
        if not (plan.root / name).is_file():
            raise LocalStackError(f"{name} is not in {plan.root}: start the stack in the repository's top folder.")
    with Supervisor(plan.data_dir, say=_say) as supervisor, contextlib.suppress(StopRequested):
        _run_until_stopped(plan, supervisor=supervisor)
    _say("stopped; the data stays, `make` starts it again")


def _run_until_stopped(plan: Plan, *, supervisor: Supervisor) -> None:
    started_at_s = time.time()
    _require_ports(plan)
    variables = _start_storage(plan, supervisor=supervisor)
    environment = {**os.environ, **variables, **supervisor.marker, "PYTHONUNBUFFERED": "1"}
    migrate = one_shot(plan, name="migrate", arguments=["migrate"], environment=environment)
    create_queues = one_shot(plan, name="queues", arguments=["queues", "create"], environment=environment)
    _say("bringing the database to the newest schema, creating the queues")
    supervisor.run(migrate)
    supervisor.run(create_queues)
    code = _start_platform(plan, supervisor=supervisor, environment=environment)
    _end_dead_runs(plan, silent_since_s=started_at_s)
    supervisor.wait_until(lambda: a_drain_runs(web_port=plan.web_port), timeout_s=_DRAIN_WITHIN_S)
    print(welcome(plan, variables=variables, took_s=time.time() - started_at_s), flush=True)
    chores = {
        # A queue service that was killed forgets what it did not write, and that can be the queues themselves.
        "sqs": lambda: supervisor.run(create_queues),
        "dagster-code": lambda: _end_dead_runs(plan, silent_since_s=code.launched_at_s),
    }
    supervisor.watch(after_restart=chores)


def _start_storage(plan: Plan, *, supervisor: Supervisor) -> dict[str, str]:
    postgres = EmbeddedPostgres(plan.data_dir / "postgres", plan.postgres_port, log_file=plan.logs / "postgres.log")
    sqs = EmbeddedSqs(
        plan.data_dir / "sqs", plan.sqs_port, environment=supervisor.marker, log_file=plan.logs / "sqs.log"
    )
    embedded = [postgres] * plan.embeds_postgres + [sqs] * plan.embeds_sqs
    if embedded:
        _say(f"starting {' and '.join(program.name for program in embedded)}")
        supervisor.start(*embedded)
    database_url = plan.database_url or make_url(postgres.url(DATABASE))
    _create_databases(plan, database_url=database_url)
    variables = platform_variables(
        plan,
        database_url=database_url,
        dagster_database_url=plan.dagster_database_url or database_url.set(database=DAGSTER_DATABASE),
        sqs_endpoint_url=sqs.endpoint_url if plan.embeds_sqs else plan.sqs_endpoint_url,
    )
    write_stack_environment(plan, variables=variables)
    return variables


def _start_platform(plan: Plan, *, supervisor: Supervisor, environment: Mapping[str, str]) -> Program:
    """Start API and Dagster; returns the code server, with which the run workers live and die."""
    _say("starting the API and Dagster")
    _link_dagster_home(plan)
    code = code_server(plan, environment=environment)
    supervisor.start(api(plan, environment=environment), code)
    supervisor.start(webserver(plan, environment=environment), daemon(plan, environment=environment))
    for error in code_errors(web_port=plan.web_port):
        _say(f"Dagster cannot load the pipelines: {error}")
    return code


def _end_dead_runs(plan: Plan, *, silent_since_s: float) -> None:
    ended = end_dead_runs(web_port=plan.web_port, silent_since_s=silent_since_s)
    if ended:
        _say(f"marked as cancelled in Dagster, since their processes are gone: {ended} runs")


def _create_databases(plan: Plan, *, database_url: URL) -> None:
    # A server of somebody else's has the platform's database already; Dagster's may be missing there.
    maintenance = database_url.set(database="postgres") if plan.embeds_postgres else database_url
    wanted = [DATABASE] * plan.embeds_postgres + [DAGSTER_DATABASE] * (plan.dagster_database_url is None)
    try:
        for name in wanted:
            create_database(maintenance.render_as_string(hide_password=False), name=name)
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise LocalStackError(f"The database of PSP_DATABASE_URL cannot be used: {reason}") from None


def _require_ports(plan: Plan) -> None:
    # Postgres checks its own port, when a server of a run that was killed has had the time to stop.
    require_free(plan.api_port, purpose="the API", setting="PSP_API_PORT")
    require_free(plan.web_port, purpose="Dagster's webserver", setting="PSP_WEB_PORT")
    require_free(plan.code_port, purpose="Dagster's code server", setting="PSP_CODE_PORT")
    if plan.embeds_sqs:
        require_free(plan.sqs_port, purpose="the SQS endpoint", setting="PSP_SQS_PORT")


def _link_dagster_home(plan: Plan) -> None:
    plan.dagster_home.mkdir(parents=True, exist_ok=True)
    link = plan.dagster_home / "dagster.yaml"
    link.unlink(missing_ok=True)
    link.symlink_to(plan.root / "dagster.yaml")


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)
