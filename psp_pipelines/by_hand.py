"""Manual actions: each needs a reason and leaves a record before it does anything."""

from collections.abc import Mapping

import dagster as dg

from psp_pipelines.resources import CoreResource
from psp_pipelines.runs import is_by_hand


def record_if_by_hand(
    run: dg.DagsterRun, core: CoreResource, *, action: str, reason: str, details: Mapping[str, str]
) -> None:
    """Record the action, unless a schedule or sensor asked for it. Raises dg.Failure without a reason."""
    if not is_by_hand(run):
        return
    try:
        core.record_operator_action(action, reason=reason, run_id=run.run_id, details=details)
    except ValueError as refusal:
        raise dg.Failure(str(refusal), allow_retries=False) from refusal
