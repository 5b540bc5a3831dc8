"""The operators' ways in: Dagster's GraphQL and the `psp` command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from psp_local import LocalStackError
from psp_local.demo.ways_in.connection import Connection

SETTLEMENT_JOB = "settle_due_payables"
REASON = "make demo: a day's traffic is settled in a time-lapse"
SUCCESS, FAILURES = "SUCCESS", ("FAILURE", "CANCELED")
_PSP = Path(sys.executable).parent / "psp"
_COMMAND_WITHIN_S = 300

_REPOSITORIES = """{ repositoriesOrError {
  ... on RepositoryConnection { nodes { name location { name } jobs { name } } }
} }"""
_LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename
  ... on LaunchRunSuccess { run { runId } }
  ... on PythonError { message }
  ... on RunConfigValidationInvalid { errors { message } }
} }"""
_STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


class Dagster:
    """Dagster's webserver at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def settle(self, first: date, last: date) -> str:
        """Launch a run for the due dates, both included, and return its id. Raises LocalStackError for a refusal.

        One run, launched as the button in the asset's page does: a backfill is looked at every 30 s only.
        """
        params = {
            "selector": self._settlement_job(),
            "runConfigData": {"ops": {"settlement": {"config": {"reason": REASON}}}},
            "executionMetadata": {
                "tags": [
                    {"key": "dagster/asset_partition_range_start", "value": first.isoformat()},
                    {"key": "dagster/asset_partition_range_end", "value": last.isoformat()},
                ]
            },
        }
        launched = self._ask(_LAUNCH, params=params)["launchRun"]
        if launched["__typename"] != "LaunchRunSuccess":
            raise LocalStackError(f"Dagster does not start the settlement: {launched}")
        run_id: str = launched["run"]["runId"]
        return run_id

    def status(self, run_id: str) -> str:
        """Return the run's status, in Dagster's words."""
        status: str = self._ask(_STATUS, id=run_id)["runOrError"]["status"]
        return status

    def page_of(self, run_id: str) -> str:
        """Return the address at which a person looks at the run."""
        return f"{self.url}/runs/{run_id}"

    def _settlement_job(self) -> dict[str, str]:
        for repository in self._ask(_REPOSITORIES)["repositoriesOrError"].get("nodes", []):
            if any(job["name"] == SETTLEMENT_JOB for job in repository["jobs"]):
                return {
                    "repositoryLocationName": repository["location"]["name"],
                    "repositoryName": repository["name"],
                    "jobName": SETTLEMENT_JOB,
                }
        raise LocalStackError(f"Dagster at {self.url} has no job {SETTLEMENT_JOB}.")

    def _ask(self, query: str, **variables: Any) -> dict[str, Any]:
        with Connection(self.url) as connection:
            answer = connection.post("/graphql", body={"query": query, "variables": variables}).json()
        if answer.get("errors"):
            raise LocalStackError(f"Dagster refuses the demonstration's question: {answer['errors'][0]['message']}")
        data: dict[str, Any] = answer["data"]
        return data


def psp(*arguments: str, environment: Mapping[str, str], root: Path) -> str:
    """Run a `psp` command and return what it printed. Raises LocalStackError when it fails."""
    done = subprocess.run(
        [_PSP, *arguments],
        env=dict(environment),
        cwd=root,
        capture_output=True,
        text=True,
        timeout=_COMMAND_WITHIN_S,
        check=False,
    )
    if done.returncode != 0:
        raise LocalStackError(f"psp {' '.join(arguments)} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()
