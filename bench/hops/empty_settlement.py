"""A settlement run that finds nothing, on the whole platform: what Dagster itself takes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.results import HopResult, Row
from bench.rig.rounds import Bench
from bench.rig.servers import ROOT
from psp_local import LocalStackError
from psp_local.dagster_api import ask
from psp_local.ports import LOOPBACK, free_port

_JOB = "settle_due_payables"
_STARTS_WITHIN_S = 300
_ENDS_WITHIN_S = 300
_BELOW_S = 6
_REPOSITORIES = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }"
_LAUNCH = """mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_RUN = """query ($id: ID!) { runOrError(runId: $id) {
  ... on Run { status creationTime startTime endTime } } }"""


def empty_settlement(bench: Bench) -> HopResult:
    """Launch the settlement job for dates on which nothing is due, one after the other."""
    whole: list[float] = []
    until_start: list[float] = []
    with _platform(bench) as web_port:
        dagster = _Dagster(web_port)
        for number in range(bench.rounds + 1):
            launched, started, ended = dagster.settle(datetime.now(UTC).date() - timedelta(days=number + 1))
            if number == 0:
                # The first run fills the disk's cache, and the code server's.
                continue
            whole.append(ended - launched)
            until_start.append(started - launched)
            bench.say(f"empty settlement, round {number} of {bench.rounds}: {whole[-1]:.1f} s")
    return HopResult(
        name="empty-settlement",
        title="A settlement run that finds nothing",
        method=f"The whole platform as `make` starts it. The job `{_JOB}` (settlement, control totals, books, report) "
        "is launched over GraphQL for a date on which nothing is due: from the run's creation to its success, by "
        "Dagster's own times; daemons, sensors and schedules go on meanwhile.",
        rows=[
            Row("settlement run that finds nothing: launch to success", "s", whole, below=_BELOW_S),
            Row("of it: launch to the run worker's start", "s", until_start),
        ],
    )


class _Dagster:
    def __init__(self, port: int) -> None:
        self._url = f"http://{LOOPBACK}:{port}"
        found = ask(self._url, _REPOSITORIES)["repositoriesOrError"]["nodes"][0]
        self._selector = {
            "repositoryName": found["name"],
            "repositoryLocationName": found["location"]["name"],
            "jobName": _JOB,
        }

    def settle(self, due_on: Any) -> tuple[float, float, float]:
        """Return when the run was created, started and ended, as Unix times."""
        params = {
            "selector": self._selector,
            "runConfigData": {"ops": {"settlement": {"config": {"reason": "benchmark"}}}},
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": due_on.isoformat()}]},
        }
        launched = ask(self._url, _LAUNCH, params=params)["launchRun"]
        if "run" not in launched:
            raise LocalStackError(f"Dagster did not launch the run: {launched}")
        deadline_s = time.monotonic() + _ENDS_WITHIN_S
        while time.monotonic() < deadline_s:
            run = ask(self._url, _RUN, id=launched["run"]["runId"])["runOrError"]
            if run["status"] == "SUCCESS":
                return run["creationTime"], run["startTime"], run["endTime"]
            if run["status"] in ("FAILURE", "CANCELED"):
                break
            time.sleep(0.2)
        raise LocalStackError(f"the settlement run of {due_on} ended as {run['status']}")


@contextmanager
def _platform(bench: Bench) -> Iterator[int]:
    """Run the whole stack on ports and a folder of its own; yields the port of Dagster's webserver."""
    folder = bench.servers.folder / "platform"
    ports = {name: str(free_port()) for name in ("API", "WEB", "POSTGRES", "SQS")}
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("PSP_", "DAGSTER_"))}
    environment = {**outside, **{f"PSP_{name}_PORT": port for name, port in ports.items()}, "PSP_DATA_DIR": str(folder)}
    log = bench.servers.folder / "platform.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [Path(sys.executable).parent / "psp", "up"], cwd=ROOT, env=environment, stdout=out, stderr=out
        )
    try:
        deadline_s = time.monotonic() + _STARTS_WITHIN_S
        while "psp runs" not in log.read_text(encoding="utf-8"):
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise LocalStackError(f"the platform did not start: {log.read_text(encoding='utf-8')[-400:]}")
            time.sleep(0.2)
        yield int(ports["WEB"])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=120)
