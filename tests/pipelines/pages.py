"""The real webserver in front of the real code server, and requests to it as its pages send them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import make_url

from psp_core.adapters.postgres.schema.logins import Login
from psp_local.commands import code_server, webserver
from psp_local.environment import Plan, platform_variables
from psp_local.ports import free_port
from psp_local.postgres import EmbeddedPostgres
from tests.logins import url_of

ROOT = Path(__file__).parents[2]
LOGIN = "X-Forwarded-User"
"""The header in which the proxy says who is logged in."""


@contextmanager
def running_webserver(postgres: EmbeddedPostgres, *, database_url: str, folder: Path) -> Iterator[str]:
    """Start both, each with its own login; the URL is that of the pages."""
    postgres.create_database("dagster_webserver")
    dagster_database_url = make_url(postgres.url("dagster_webserver"))
    plan = Plan(
        root=ROOT,
        data_dir=folder,
        api_port=0,
        web_port=free_port(),
        postgres_port=0,
        sqs_port=0,
        sqs_endpoint_url=None,
        uses_aws=True,
        database_url=make_url(database_url),
    )
    plan.dagster_home.mkdir(parents=True)
    (plan.dagster_home / "dagster.yaml").symlink_to(ROOT / "dagster.yaml")
    with ExitStack() as stack:
        for start, login in ((code_server, Login.RUNS), (webserver, Login.WEBSERVER)):
            variables = platform_variables(
                plan,
                database={"PSP_DATABASE_URL": url_of(login, database_url)},
                dagster_database_url=dagster_database_url,
                sqs_endpoint_url=None,
            )
            environment = {**os.environ, **variables, "PSP_ACTOR_HEADER": LOGIN}
            stack.enter_context(start(plan, environment=environment))
        yield f"http://127.0.0.1:{plan.web_port}"


def ask(client: httpx.Client, query: str, *, login: str | None = None, **variables: Any) -> Any:
    """Return the answer to a query of one field."""
    headers = {LOGIN: login} if login else {}
    answer = client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
    assert answer.status_code == 200, answer.text
    [value] = answer.json()["data"].values()
    return value
