"""Manual actions: each needs a reason and leaves a record before it does anything."""

from collections.abc import Mapping

import dagster as dg

from psp_pipelines.access.actors import ACTOR_TAG
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import is_by_hand

REASON_TAG = "psp/reason"
"""A backfill's dialog has a form for tags, which is easier to fill in than its config."""


def record_if_by_hand(
    run: dg.DagsterRun, core: CoreResource, *, action: str, reason: str, details: Mapping[str, str]
) -> None:
    """Record the action, unless a schedule or sensor asked for it. Raises dg.Failure without a reason."""
    if not is_by_hand(run):
        return
    try:
        core.record_operator_action(
            action,
            reason=reason or run.tags.get(REASON_TAG, ""),
            run_id=run.run_id,
            details=details,
            actor=run.tags.get(ACTOR_TAG),
        )
    except ValueError as refusal:
        raise dg.Failure(
            f"{refusal}: the run's tag `{REASON_TAG}`, or `reason` in its config", allow_retries=False
        ) from refusal
