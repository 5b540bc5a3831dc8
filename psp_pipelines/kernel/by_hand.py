"""Manual actions: each needs a reason and leaves a record before it does anything."""

from collections.abc import Mapping

import dagster as dg

from psp_pipelines.access.actors import ACTOR_TAG
from psp_pipelines.access.reasons import launch_of
from psp_pipelines.kernel.failures import end_as_cancelled
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import is_by_hand


def record_if_by_hand(
    context: dg.OpExecutionContext | dg.AssetExecutionContext,
    core: CoreResource,
    *,
    action: str,
    details: Mapping[str, str],
) -> None:
    """Record the action with the reason in the run's config or tag, unless a schedule or sensor asked for it.

    Without a reason the run ends as cancelled: whoever launched it without the webserver was not asked before.
    """
    run = context.run
    if not is_by_hand(run):
        return
    try:
        core.record_operator_action(
            action,
            reason=launch_of(run).reason,
            run_id=run.run_id,
            details=details,
            actor=run.tags.get(ACTOR_TAG),
        )
    except ValueError as refusal:
        end_as_cancelled(context, str(refusal))
