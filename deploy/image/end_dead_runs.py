"""Ends in Dagster's records the runs that ran in a code server which is gone, then becomes the command it is given.

Where runs are processes of the code server's container (docker-compose.yml), all of them die with it, and Dagster would
believe for ever that they run: the sensor would then start no other. Not for AWS, where each run is a task of its own.
"""

from __future__ import annotations

import os
import sys

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

_RUNNING = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


def end_dead_runs(instance: DagsterInstance) -> list[str]:
    """Mark every run as failed that says it runs; return their ids. What they held back is done by the next runs."""
    dead = instance.get_runs(filters=RunsFilter(statuses=_RUNNING))
    for run in dead:
        instance.report_run_failed(run, "The code server that this run was a process of has ended.")
    return [run.run_id for run in dead]


def main() -> None:
    with DagsterInstance.get() as instance:
        for run_id in end_dead_runs(instance):
            print(f"run {run_id} died with the last code server")
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the container's own command


if __name__ == "__main__":
    main()
