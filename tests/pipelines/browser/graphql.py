"""What the browser tests ask of Dagster beside the browser."""

from __future__ import annotations

import time
from typing import Any

from psp_local.dagster_api import ask
from tests.waiting import wait_for

PATIENCE_S = 240
_FINISHED = {"SUCCESS", "FAILURE", "CANCELED"}
_SCHEDULES = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
  schedules { name scheduleState { id status } } } } } }"""
_STOP = "mutation($id: String!) { stopRunningSchedule(id: $id) { __typename } }"
_RUNS = """{ runsOrError { ... on Runs { results { runId jobName status startTime endTime } } } }"""
_EVENTS = """query($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {
  ... on MessageEvent { eventType message } } } } }"""
_BACKFILLS = "{ partitionBackfillsOrError { ... on PartitionBackfills { results { status } } } }"


def stop_schedules(url: str) -> None:
    """Stop every schedule, as soon as the webserver has loaded them."""
    wait_for(lambda: _schedules(url), within_s=PATIENCE_S, what="the schedules are loaded")
    for schedule in _schedules(url):
        ask(url, _STOP, id=schedule["scheduleState"]["id"])
    assert {schedule["scheduleState"]["status"] for schedule in _schedules(url)} == {"STOPPED"}


def _schedules(url: str) -> list[dict[str, Any]]:
    repositories = ask(url, _SCHEDULES)["repositoriesOrError"]["nodes"]
    return [schedule for repository in repositories for schedule in repository["schedules"]]


def runs_by_hand(url: str) -> list[dict[str, Any]]:
    """Return the runs that were launched from an asset's page, newest first."""
    runs = ask(url, _RUNS)["runsOrError"]["results"]
    return [run for run in runs if run["jobName"] == "__ASSET_JOB"]


def wait_for_end(url: str, *, more_than: int) -> list[dict[str, Any]]:
    """Wait until everything has ended that was launched; return the runs beside the first `more_than`."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        runs = runs_by_hand(url)
        backfills = ask(url, _BACKFILLS)["partitionBackfillsOrError"]["results"]
        ended = all(run["status"] in _FINISHED for run in runs) and all(
            backfill["status"] not in {"REQUESTED", "CANCELING"} for backfill in backfills
        )
        if ended and len(runs) > more_than:
            return runs[: len(runs) - more_than]
        time.sleep(1)
    raise TimeoutError(f"no end of what was launched within {PATIENCE_S} s")


def wait_for_event(url: str, event_type: str, *, more_than: int) -> str:
    """Wait until the run that was launched after the first `more_than` has had the event; return its id."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        runs = runs_by_hand(url)
        for run in runs[: len(runs) - more_than]:
            if any(event["eventType"] == event_type for event in _events(url, run["runId"])):
                return str(run["runId"])
        time.sleep(0.5)
    raise TimeoutError(f"no {event_type} within {PATIENCE_S} s")


def _events(url: str, run_id: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = ask(url, _EVENTS, id=run_id)["logsForRun"]["events"]
    return found
