from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterInstance, DagsterRunStatus
from sqlalchemy import make_url

from psp_core.local_stack.dagster_api import a_drain_runs, code_errors, daemons_beat_since
from psp_core.local_stack.ports import answers_http, free_port
from psp_core.local_stack.postgres import EmbeddedPostgres
from psp_core.local_stack.supervision.program import Program

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
