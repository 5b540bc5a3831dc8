from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterInstance, DagsterRunStatus

from psp_core.local_stack import LocalStackError
from psp_core.local_stack.dagster_api import code_errors, daemons_beat_since, end_dead_runs
from psp_core.local_stack.ports import answers_http, free_port
from psp_core.local_stack.supervision.processes import wait_until
from psp_core.local_stack.supervision.program import Program


@dg.job
def some_job() -> None:
    """A job whose runs are only records here; nothing executes them."""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


@pytest.fixture
def web_port(instance: DagsterInstance, tmp_path: Path) -> Iterator[int]:
    port = free_port()
    webserver = Program(
        "dagster-web",
        command=[Path(sys.executable).parent / "dagster-webserver", "-p", str(port), "--empty-workspace"],
        environment={**os.environ, "DAGSTER_HOME": str(tmp_path)},
        folder=tmp_path,
        log_file=tmp_path / "web.log",
        ready=lambda: answers_http(port, path="/server_info"),
    )
    with webserver:
        yield port


def _started_run(instance: DagsterInstance) -> str:
    run = instance.create_run_for_job(some_job, status=DagsterRunStatus.STARTED)
    return run.run_id


def _status(instance: DagsterInstance, run_id: str) -> DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def _next_full_second() -> int:
    """Wait for it: SQLite, which keeps the runs here, knows their time by the second only."""
    now_s = int(time.time())
    assert wait_until(lambda: time.time() > now_s + 1, timeout_s=2)
    return now_s + 1


class TestDagsterApi:
    def test_ends_the_runs_that_died_with_an_earlier_stack_and_no_others(
        self, instance: DagsterInstance, web_port: int
    ) -> None:
        dead = _started_run(instance)
        waiting = instance.create_run_for_job(some_job, status=DagsterRunStatus.NOT_STARTED).run_id
        stack_started_at_s = _next_full_second()
        alive = _started_run(instance)

        ended = end_dead_runs(web_port=web_port, silent_since_s=stack_started_at_s)

        assert ended == 1
        assert _status(instance, dead) is DagsterRunStatus.CANCELED
        assert _status(instance, alive) is DagsterRunStatus.STARTED
        assert _status(instance, waiting) is DagsterRunStatus.NOT_STARTED
        assert end_dead_runs(web_port=web_port, silent_since_s=stack_started_at_s) == 0
        assert not daemons_beat_since(0, web_port=web_port)
        assert code_errors(web_port=web_port) == []

    def test_does_not_take_silence_for_an_answer(self) -> None:
        nobody = free_port()

        with pytest.raises(LocalStackError):
            end_dead_runs(web_port=nobody, silent_since_s=time.time())

        assert not daemons_beat_since(0, web_port=nobody)
