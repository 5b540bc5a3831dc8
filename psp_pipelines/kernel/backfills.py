"""Backfills that were cancelled: Dagster may go on launching their runs (dagster#15013), which then do nothing."""

from __future__ import annotations

import dagster as dg

from psp_pipelines.kernel.failures import end_as_cancelled
from psp_pipelines.kernel.runs import BACKFILL

_RETRIED = "dagster/retry_number"
_CANCELLED = ("CANCELING", "CANCELED")


def end_if_cancelled(context: dg.AssetExecutionContext) -> None:
    """End the run as cancelled, with nothing done, when its backfill was.

    A person who re-executes such a run means it, although Dagster copies the tag.
    """
    run = context.run
    backfill_id = run.tags.get(BACKFILL)
    if backfill_id is None or (run.parent_run_id is not None and _RETRIED not in run.tags):
        return
    backfill = context.instance.get_backfill(backfill_id)
    if backfill is not None and backfill.status.name in _CANCELLED:
        end_as_cancelled(context, f"backfill {backfill_id} was cancelled: nothing was done here")
