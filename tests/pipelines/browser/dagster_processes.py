"""Dagster's code server, webserver and daemon, as the local stack starts them, on ports of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import make_url

from psp_core.adapters.postgres.schema.logins import Login
from psp_core.settings import Settings
from psp_local.commands import code_server, daemon, webserver
from psp_local.environment import Plan, platform_variables
from psp_local.ports import free_port
from tests.logins import url_of
from tests.pipelines.browser.graphql import stop_schedules

ROOT = Path(__file__).parents[3]


@contextmanager
def running_dagster(
    settings: Settings, *, folder: Path, dagster_database_url: str, extra: Mapping[str, str]
) -> Iterator[str]:
    """Run the three processes, with every schedule stopped; the value is the webserver's address."""
    database_url = make_url(settings.database_url.get_secret_value())
    plan = Plan(
        root=ROOT,
        data_dir=folder,
        api_port=free_port(),
        web_port=free_port(),
        postgres_port=0,
        sqs_port=0,
        database_url=database_url,
        sqs_endpoint_url=settings.sqs_endpoint_url,
        uses_aws=False,
    )
    plan.dagster_home.mkdir(parents=True)
    (plan.dagster_home / "dagster.yaml").symlink_to(ROOT / "dagster.yaml")
    variables = platform_variables(
        plan,
        database={"PSP_DATABASE_URL": url_of(Login.RUNS, settings.database_url.get_secret_value())},
        dagster_database_url=make_url(dagster_database_url),
        sqs_endpoint_url=settings.sqs_endpoint_url,
    )
    environment = {
        **os.environ,
        **variables,
        "PSP_SQS_QUEUE_NAME": settings.sqs_queue_name,
        "PSP_DRAIN_LINGER_S": "1",
        "PSP_OPERATIONS_URL": f"http://127.0.0.1:{plan.web_port}",
        **extra,
    }
    with ExitStack() as stack:
        url = f"http://127.0.0.1:{plan.web_port}"
        for start in (code_server, webserver):
            stack.enter_context(start(plan, environment=environment))
        # Before there is a daemon: at half past, the sweep would settle what the tests are to press.
        stop_schedules(url)
        stack.enter_context(daemon(plan, environment=environment))
        yield url
