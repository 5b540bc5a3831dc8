from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import httpx
import pytest
from dagster import DagsterInstance, DagsterRunStatus
from sqlalchemy import create_engine, make_url

from psp_local.commands import webserver
from psp_local.dagster_api import a_drain_runs, code_errors, daemons_beat_since
from psp_local.environment import platform_variables, read_plan
from psp_local.ports import answers_http, free_port
from psp_local.postgres import EmbeddedPostgres
from psp_local.supervision.program import Program
from tests.folders import open_folder
from tests.waiting import wait_for

_REPOSITORY = Path(__file__).parents[2]


@dg.job
def some_job() -> None:
    """A job whose runs are only records here; nothing executes them."""


@pytest.fixture
def dagster_home(tmp_path: Path, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The repository's own dagster.yaml, on a database of its own."""
    database = f"dagster_{uuid.uuid4().hex[:8]}"
    postgres.create_database(database)
    url = make_url(postgres.url(database))
    for part, value in {"HOST": url.host, "PORT": url.port, "USER": url.username, "PASSWORD": url.password}.items():
        monkeypatch.setenv(f"DAGSTER_PG_{part}", str(value))
    monkeypatch.setenv("DAGSTER_PG_DB", database)
    (tmp_path / "dagster.yaml").symlink_to(_REPOSITORY / "dagster.yaml")
    return tmp_path


@pytest.fixture
def instance(dagster_home: Path) -> Iterator[DagsterInstance]:
    with DagsterInstance.from_config(str(dagster_home)) as instance:
        yield instance


@pytest.fixture
def web_port(instance: DagsterInstance, dagster_home: Path) -> Iterator[int]:
    port = free_port()
    webserver = Program(
        "dagster-web",
        command=[Path(sys.executable).parent / "dagster-webserver", "-p", str(port), "--empty-workspace"],
        environment={**os.environ, "DAGSTER_HOME": str(dagster_home)},
        folder=dagster_home,
        log_file=dagster_home / "web.log",
        ready=lambda: answers_http(port, path="/server_info"),
    )
    with webserver:
        yield port


def _started_drain(instance: DagsterInstance) -> None:
    instance.create_run_for_job(some_job, status=DagsterRunStatus.STARTED, tags={"psp/kind": "drain"})


def a_question(web_port: int) -> int:
    """Ask something that is in each of Dagster's three storages; return the HTTP status."""
    query = "{ runsOrError { __typename } instance { daemonHealth { id } } assetsOrError { __typename } }"
    return httpx.post(f"http://127.0.0.1:{web_port}/graphql", json={"query": query}, timeout=60).status_code


def are_older(server: EmbeddedPostgres, *, than_s: int) -> bool:
    """Tell whether all connections to Dagster's database, of which there are some, were opened so long ago."""
    engine = create_engine(server.url("postgres"))
    with engine.connect() as connection:
        youngest = connection.exec_driver_sql(
            "SELECT min(now() - backend_start) > make_interval(secs => %s)"
            " FROM pg_stat_activity WHERE datname = 'dagster'",
            (than_s,),
        ).scalar_one()
    engine.dispose()
    return bool(youngest)


class TestDagsterApi:
    def test_takes_no_run_of_an_earlier_stack_for_one_that_consumes_the_queue(
        self, instance: DagsterInstance, web_port: int
    ) -> None:
        _started_drain(instance)
        stack_started_at_s = time.time()

        assert not a_drain_runs(web_port=web_port, since_s=stack_started_at_s)
        _started_drain(instance)
        assert a_drain_runs(web_port=web_port, since_s=stack_started_at_s)

        assert not daemons_beat_since(0, web_port=web_port)
        assert code_errors(web_port=web_port) == []

    def test_does_not_take_silence_for_an_answer(self) -> None:
        nobody = free_port()

        assert not a_drain_runs(web_port=nobody, since_s=0)
        assert not daemons_beat_since(0, web_port=nobody)

    def test_is_answered_at_once_after_postgres_was_restarted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with open_folder() as folder, EmbeddedPostgres(folder / "postgres", free_port()) as server:
            server.create_database("dagster")
            plan = replace(
                read_plan({"PSP_WEB_PORT": str(free_port())}, root=_REPOSITORY, data_dir=tmp_path),
                database_url=make_url(server.url("dagster")),
            )
            plan.dagster_home.mkdir()
            (plan.dagster_home / "dagster.yaml").symlink_to(_REPOSITORY / "dagster.yaml")
            url = make_url(server.url("dagster"))
            database = {"PSP_DATABASE_URL": url.render_as_string(hide_password=False)}
            variables = platform_variables(plan, database=database, dagster_database_url=url, sqs_endpoint_url=None)
            with webserver(plan, environment={**os.environ, **variables}):
                assert a_question(plan.web_port) == 200
                wait_for(lambda: are_older(server, than_s=1), within_s=20, what="its connections have aged")
                server.stop()
                server.start()

                assert a_question(plan.web_port) == 200
