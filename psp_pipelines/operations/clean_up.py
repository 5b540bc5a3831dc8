"""The job `clean_up`: what would slow the platform down after a year goes, money and settlements stay."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import dagster as dg

from psp_pipelines.kernel.dagster_storage import forget_checks
from psp_pipelines.kernel.progress import Progress
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import DRAIN, HOUSEKEEPING, KIND, NOT_REPLACED

RUNS_MAX = 10_000
RUNS_PER_QUERY = 200
_CONNECTIONS = MappingProxyType({"statement_timeout": 60_000, "pool_recycle": 3_600, "max_overflow": 20})
"""Milliseconds, seconds, and how many beside the one that stays open."""

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dg.op
def purge_idempotency_keys(context: dg.OpExecutionContext, core: CoreResource) -> None:
    """Delete idempotency keys after their retention."""
    context.add_output_metadata({"keys": core.purge_idempotency_keys()})


@dg.op
def purge_runs(context: dg.OpExecutionContext, core: CoreResource) -> None:
    """Delete old drain and housekeeping runs with their events and logs.

    Never a settlement's: deleting it would make its partitions look as if they had not run.
    """
    progress = Progress(context.log.info)
    before = datetime.now(UTC) - timedelta(days=core.settings.run_retention_days)
    purged: list[str] = []
    # Else each of the half dozen statements a run opens a connection of its own, which is most of what it costs.
    context.instance.optimize_for_webserver(**_CONNECTIONS)
    for run_ids in _old_runs(context.instance, before=before):
        forget_checks(context.instance, run_ids)
        for run_id in run_ids:
            context.instance.delete_run(run_id)
            context.instance.compute_log_manager.delete_logs(prefix=[run_id, "compute_logs"])
            purged.append(run_id)
            progress.line(lambda: f"{len(purged):,} runs purged")
    context.add_output_metadata({"runs": len(purged)})


@dg.job(tags={KIND: HOUSEKEEPING, **NOT_REPLACED})
def clean_up() -> None:
    """Purges old idempotency keys, and old drain and housekeeping runs. Ticks go by dagster.yaml's retention."""
    purge_idempotency_keys()
    purge_runs()


def _old_runs(instance: dg.DagsterInstance, *, before: datetime) -> Iterator[Sequence[str]]:
    criteria = dg.RunsFilter(tags={KIND: [DRAIN, HOUSEKEEPING]}, statuses=FINISHED, created_before=before)
    for _ in range(0, RUNS_MAX, RUNS_PER_QUERY):
        run_ids = instance.get_run_ids(criteria, limit=RUNS_PER_QUERY)
        yield run_ids
        if len(run_ids) < RUNS_PER_QUERY:
            return
