"""The watcher of dead runs: a run without a process is ended in Dagster, wherever runs are processes or tasks.

Dagster does not see to it. The thread of its code server that notices ended workers dies itself at the first error of
the database, and where runs are tasks of their own a minute passes between two looks.
"""

import json
import time
from collections.abc import Mapping

import dagster as dg

from psp_core.domain.operations.leases import run_holder
from psp_pipelines.kernel.resources import CoreResource

_STATUSES = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_RUNS_MAX = 200

LAPSED_FOR_S = 8
"""After an outage every lease has lapsed; whoever lives renews it within a few seconds."""

WITHOUT_LEASE_FOR_S = 30
"""A run has no lease for a moment after its start, and again at its end."""

STARTS_WITHIN_S, TASK_STARTS_WITHIN_S = 60, 240
"""How long a process, and a container on AWS, may take until the run's first sign of life."""

DEAD = "The process of this run gave no more sign of life: it was killed, or its machine is gone."


@dg.sensor(
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks every five seconds for runs whose process has gone, and ends them: others can take over.",
)
def dead_run_sensor(context: dg.SensorEvaluationContext, core: CoreResource) -> dg.SensorResult:
    # The cursor tells since when a run has been without a live lease.
    leases = {lease.name: lease.is_live for lease in core.leases()}
    runs = context.instance.get_runs(dg.RunsFilter(statuses=_STATUSES), limit=_RUNS_MAX)
    silent = {run.run_id: run for run in runs if not leases.get(run_holder(run.run_id))}
    before: dict[str, float] = json.loads(context.cursor or "{}")
    now_s = time.time()
    since = {run_id: before.get(run_id, now_s) for run_id in silent}
    patient_until = {
        run_id: since[run_id] + _patience_s(run, leases=leases, instance=context.instance)
        for run_id, run in silent.items()
    }
    dead = [run_id for run_id, until_s in patient_until.items() if until_s <= now_s]
    for run_id in dead:
        _end(context.instance, core, run_id=run_id)
    return dg.SensorResult(
        skip_reason=f"{len(runs)} runs, {len(silent)} of them silent, {len(dead)} ended",
        cursor=json.dumps({run_id: since[run_id] for run_id in since if run_id not in dead}),
    )


def _patience_s(run: dg.DagsterRun, *, leases: Mapping[str, bool], instance: dg.DagsterInstance) -> float:
    if run_holder(run.run_id) in leases:
        return LAPSED_FOR_S
    if run.status is not dg.DagsterRunStatus.STARTING:
        return WITHOUT_LEASE_FOR_S
    return STARTS_WITHIN_S if isinstance(instance.run_launcher, dg.DefaultRunLauncher) else TASK_STARTS_WITHIN_S


def _end(instance: dg.DagsterInstance, core: CoreResource, *, run_id: str) -> None:
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return
    if run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, message=DEAD)
    else:
        instance.report_run_failed(run, message=DEAD)
    core.end_run(run_id)
