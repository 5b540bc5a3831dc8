"""The queue sensor: a drain run that is always up, and as many more as the backlog deserves."""

import time
from collections.abc import Collection

import dagster as dg

from psp_core.domain.kernel.errors import QueueUnavailable
from psp_core.domain.operations.leases import run_holder
from psp_pipelines.jobs import drain_payables
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import DRAIN, KIND, UNDER_WAY
from psp_pipelines.payables.payables import DrainConfig

STANDBY_TAG = {"psp/standby": "true"}
HANDOVER_S = 60
"""A standby's successor is requested so long before its end: a process starts in 4, a container in up to 60."""

BEGINS_WITHIN_S = 10
"""A run has its lease a moment after Dagster says that it has started."""


@dg.sensor(
    job=drain_payables,
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks at the queue every five seconds, and keeps a drain run up, or as many as the backlog deserves. "
    "It receives nothing: messages belong to the runs.",
)
def payables_queue_sensor(
    context: dg.SensorEvaluationContext, core: CoreResource
) -> list[dg.RunRequest] | dg.SkipReason:
    records = context.instance.get_run_records(dg.RunsFilter(tags={KIND: DRAIN}, statuses=UNDER_WAY))
    living = {lease.name for lease in core.leases() if lease.is_live}
    active = [record for record in records if _lives(record, living=living)]
    leaves_at_age_s = core.settings.drain_duration_max_s - HANDOVER_S
    try:
        plan = core.plan_drains(
            active=len(active), standing=sum(_stands(record, until_age_s=leaves_at_age_s) for record in active)
        )
    except QueueUnavailable as outage:
        return dg.SkipReason(f"{outage}; looking again")
    if not plan.standbys + plan.extras:
        return dg.SkipReason(f"{plan.waiting} messages wait, {len(active)} drain runs are under way")
    standby = dg.RunConfig(ops={"payables": DrainConfig(standby=True)})
    return [
        *(dg.RunRequest(tags=STANDBY_TAG, run_config=standby) for _ in range(plan.standbys)),
        *(dg.RunRequest() for _ in range(plan.extras)),
    ]


def _lives(record: dg.RunRecord, *, living: Collection[str]) -> bool:
    """Tell whether the run has a process, or is about to: Dagster may say for ever of a dead one that it runs."""
    begins = record.start_time is None or time.time() - record.start_time < BEGINS_WITHIN_S
    return begins or run_holder(record.dagster_run.run_id) in living


def _stands(record: dg.RunRecord, *, until_age_s: float) -> bool:
    is_standby = STANDBY_TAG.items() <= record.dagster_run.tags.items()
    return is_standby and (record.start_time is None or time.time() - record.start_time < until_age_s)
