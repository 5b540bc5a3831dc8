"""When settlements run by themselves: today's at its time, and hourly whatever is left."""

from collections.abc import Iterator

import dagster as dg

from psp_pipelines.assets.settlement import settlement
from psp_pipelines.jobs import settle_due_payables
from psp_pipelines.partitions import calendar
from psp_pipelines.resources import CoreResource
from psp_pipelines.runs import dates_under_way, requests_for

_SWEEP_MINUTE = 30
_START = calendar.settlement_starts_at


@dg.schedule(
    job=settle_due_payables,
    cron_schedule=f"{_START.minute} {_START.hour} * * *",
    execution_timezone=calendar.time_zone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def daily_settlement(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Settles today's due date, at the time and in the time zone of the settings."""
    today = context.scheduled_execution_time.astimezone(calendar.zone).date().isoformat()
    return dg.RunRequest(run_key=today, partition_key=today)


@dg.schedule(
    job=settle_due_payables,
    cron_schedule=f"{_SWEEP_MINUTE} * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def settlement_sweep(
    context: dg.ScheduleEvaluationContext, core: CoreResource
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Settles every date that still has something due, whatever the reason: missed, late, or killed half-way."""
    unsettled = set(core.find_unsettled_dates())
    wanted = unsettled - dates_under_way(context.instance, asset=settlement.key)
    if not wanted:
        yield dg.SkipReason(f"nothing to request: {len(unsettled)} unsettled dates, all of them under way")
    yield from requests_for(wanted, requested_at=f"{context.scheduled_execution_time:%Y-%m-%dT%H}")
