"""What `make` starts: database, queue, API and Dagster, in the order in which they need each other."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import OperationalError

from psp_core.settings import CalendarSettings, SettingsRefused, load
from psp_local import LocalStackError
from psp_local.commands import api, code_server, daemon, one_shot, webserver
from psp_local.dagster_api import a_drain_runs, code_errors
from psp_local.databases import DAGSTER, DAGSTER_DATABASE, DatabaseLogins, embedded_logins, prepare_databases
from psp_local.environment import DATABASE, QUEUE, Plan, platform_variables, read_plan, shield, write_stack_environment
from psp_local.ports import require_free
from psp_local.postgres import EmbeddedPostgres, create_database
from psp_local.private_folder import make_private
from psp_local.sqs import EmbeddedSqs
from psp_local.supervision.processes import wait_until
from psp_local.supervision.supervisor import Supervisor
from psp_local.welcome import welcome

_DRAIN_WITHIN_S = 30
"""A drain run is not waited for longer: an operator may have switched its sensor off."""
_NEEDED_FILES = ("workspace.yaml", "dagster.yaml", "psp_api/gunicorn_conf.py")


def run_stack(*, root: Path, data_dir: Path) -> int:
    """Run the platform of the repository `root` until Ctrl-C, with its data below `data_dir`.

    Returns the exit code: 0 after a stop that was asked for, 1 when it cannot start, which is one sentence.
    """
    try:
        if sys.platform != "linux":
            raise LocalStackError("The local stack needs Linux: run it in a container or a virtual machine.")
        load(CalendarSettings)
        plan = read_plan(os.environ, root=root, data_dir=data_dir)
        shield(os.environ, embedded=plan.embedded)
        for name in _NEEDED_FILES:
            if not (plan.root / name).is_file():
                raise LocalStackError(f"{name} is not in {plan.root}: start the stack in the repository's top folder.")
        make_private(plan.data_dir)
        with suppress(KeyboardInterrupt), Supervisor(plan.data_dir, say=_say) as supervisor:
            _run_until_stopped(plan, supervisor=supervisor)
        _say("stopped; the data stays, `make` starts it again")
    except (LocalStackError, SettingsRefused) as error:
        print(f"psp: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"psp: {error.strerror}: {error.filename}", file=sys.stderr)
        return 1
    return 0


def _run_until_stopped(plan: Plan, *, supervisor: Supervisor) -> None:
    started_at_s = time.time()
    _require_ports(plan)
    variables, logins = _start_storage(plan, supervisor=supervisor)
    shared = {**os.environ, **variables, "PYTHONUNBUFFERED": "1"}
    environment_of = partial(logins.environment, shared=shared)
    create_queues = one_shot(plan, "queues", "create", environment=environment_of("pipelines"))
    _say("bringing the database to the newest schema, creating the queues")
    supervisor.run(one_shot(plan, "migrate", environment=environment_of("migration")))
    supervisor.run(create_queues)
    _say("starting the API and Dagster")
    plan.dagster_home.mkdir(parents=True, exist_ok=True)
    (plan.dagster_home / "dagster.yaml").unlink(missing_ok=True)
    (plan.dagster_home / "dagster.yaml").symlink_to(plan.root / "dagster.yaml")
    supervisor.start(
        api(plan, environment=environment_of("api")), code_server(plan, environment=environment_of("pipelines"))
    )
    supervisor.start(
        webserver(plan, environment=environment_of("webserver")), daemon(plan, environment=environment_of("dagster"))
    )
    for error in code_errors(web_port=plan.web_port):
        _say(f"Dagster cannot load the pipelines: {error}")
    wait_until(lambda: a_drain_runs(web_port=plan.web_port, since_s=started_at_s), timeout_s=_DRAIN_WITHIN_S)
    print(welcome(plan, variables=variables, took_s=time.time() - started_at_s), flush=True)
    # A queue service that was killed forgets what it did not write, and that can be the queues themselves.
    supervisor.watch(after_restart={"sqs": lambda: supervisor.run(create_queues)})


def _start_storage(plan: Plan, *, supervisor: Supervisor) -> tuple[dict[str, str], DatabaseLogins]:
    """Start database and queue; returns what another terminal is told, and who connects to the database as whom."""
    postgres = EmbeddedPostgres(plan.data_dir / "postgres", plan.postgres_port, log_file=plan.logs / "postgres.log")
    sqs = EmbeddedSqs(plan.data_dir / "sqs", plan.sqs_port, log_file=plan.logs / "sqs.log")
    embedded = [program for name, program in ((DATABASE, postgres), (QUEUE, sqs)) if name in plan.embedded]
    if embedded:
        _say(f"starting {' and '.join(program.name for program in embedded)}")
        supervisor.start(*embedded)
    if plan.database_url is None:
        prepare_databases(postgres)
        logins = embedded_logins(postgres)
    else:
        logins = DatabaseLogins(plan.database_url, secret=None)
        _create_dagster_database(plan.database_url)
    variables = platform_variables(
        plan,
        database=logins.variables("terminal"),
        dagster_database_url=logins.url_of(DAGSTER).set(database=DAGSTER_DATABASE),
        sqs_endpoint_url=sqs.endpoint_url if QUEUE in plan.embedded else plan.sqs_endpoint_url,
    )
    write_stack_environment(plan, variables=variables)
    return variables, logins


def _create_dagster_database(database_url: URL) -> None:
    # A server of somebody else's has the platform's database already; Dagster's may be missing there.
    try:
        create_database(database_url.render_as_string(hide_password=False), name=DAGSTER_DATABASE)
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise LocalStackError(f"The database of PSP_DATABASE_URL cannot be used: {reason}") from None


def _require_ports(plan: Plan) -> None:
    # Postgres and the queue check theirs, when a server of a run that was killed has had the time to stop.
    require_free(plan.api_port, purpose="the API", setting="PSP_API_PORT")
    require_free(plan.web_port, purpose="Dagster's webserver", setting="PSP_WEB_PORT")


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)
