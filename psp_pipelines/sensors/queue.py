"""The queue sensor: as many drain runs as the backlog deserves."""

import dagster as dg

from psp_core.domain.errors import QueueUnavailable
from psp_pipelines.jobs import drain_payables
from psp_pipelines.resources import CoreResource
from psp_pipelines.runs import DRAIN, KIND, UNDER_WAY


@dg.sensor(job=drain_payables, minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def payables_queue_sensor(
    context: dg.SensorEvaluationContext, core: CoreResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """Looks at the queue every five seconds. It receives nothing: messages belong to the runs."""
    active = context.instance.get_runs_count(dg.RunsFilter(tags={KIND: DRAIN}, statuses=UNDER_WAY))
    try:
        plan = core.plan_drains(active=active)
    except QueueUnavailable as outage:
        return dg.SkipReason(f"{outage}; looking again")
    if not plan.missing:
        return dg.SkipReason(f"{plan.waiting} messages wait, {active} drain runs are under way")
    return [dg.RunRequest() for _ in range(plan.missing)]
