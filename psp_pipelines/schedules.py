"""When things run by themselves: today's settlement at its time, hourly whatever is left, and the housekeeping."""

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg

from psp_pipelines.jobs import seal_ledger, settle_due_payables, watch
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import NO_REASON, dates_under_way, early_request_for, requests_for
from psp_pipelines.operations.clean_up import clean_up
from psp_pipelines.operations.full_books import check_all_books
from psp_pipelines.settlement.early_dates import settle_early_dates
from psp_pipelines.settlement.partitions import calendar
from psp_pipelines.settlement.reserve import release_reserve

_RUNNING = dg.DefaultScheduleStatus.RUNNING
_START = calendar.settlement_starts_at


@dg.schedule(
    job=settle_due_payables,
    cron_schedule=f"{_START.minute} {_START.hour} * * *",
    execution_timezone=calendar.time_zone,
    default_status=_RUNNING,
    description="Settles today's due date, at the time and in the time zone of the settings.",
)
def daily_settlement(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    day = context.scheduled_execution_time.astimezone(calendar.zone).date()
    if day < calendar.first_due_date:
        return dg.SkipReason(f"{day} has no partition: `early_dates_sweep` pays what is due on it")
    today = day.isoformat()
    return dg.RunRequest(run_key=today, partition_key=today, run_config=NO_REASON)


@dg.schedule(
    job=settle_due_payables,
    cron_schedule="30 * * * *",
    default_status=_RUNNING,
    description="Settles every date that still has something due, whatever the reason (missed, late, or killed "
    "half-way), and writes the reports that are missing.",
)
def settlement_sweep(
    context: dg.ScheduleEvaluationContext, core: CoreResource
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    # Older dates have no partition: a request for one fails, and the others with it.
    unfinished = {day for day in _unfinished(core) if day >= calendar.first_due_date}
    wanted = unfinished - dates_under_way(context.instance, leases=core.leases())
    if not wanted:
        yield dg.SkipReason(f"nothing to request: {len(unfinished)} dates are unpaid or unreported, all under way")
    yield from requests_for(wanted, requested_at=f"{context.scheduled_execution_time:%Y-%m-%dT%H}")


@dg.schedule(
    job=settle_early_dates,
    cron_schedule="35 * * * *",
    default_status=_RUNNING,
    description="Settles what is due on dates before the first partition, which no other schedule can ask for.",
)
def early_dates_sweep(context: dg.ScheduleEvaluationContext, core: CoreResource) -> dg.RunRequest | dg.SkipReason:
    early = [day for day in _unfinished(core) if day < calendar.first_due_date]
    if not early:
        return dg.SkipReason(f"nothing is due or unreported before {calendar.first_due_date}")
    return early_request_for(early, requested_at=f"{context.scheduled_execution_time:%Y-%m-%dT%H}")


def _unfinished(core: CoreResource) -> list[date]:
    """Return the dates that owe something, whose debit is to be gathered, or that were settled and have no report."""
    return sorted({*core.find_unsettled_dates.worth_a_run(), *core.find_unreported_dates()})


@dg.schedule(
    job=seal_ledger,
    # Late enough for most of what was accepted before midnight to be drained: what is not is effective on the next day.
    cron_schedule="30 2 * * *",
    execution_timezone=calendar.time_zone,
    default_status=_RUNNING,
    description="Seals yesterday's business date in the ledger, and those before it that were missed.",
)
def nightly_seal(context: dg.ScheduleEvaluationContext, core: CoreResource) -> dg.RunRequest | dg.SkipReason:
    day = context.scheduled_execution_time.astimezone(calendar.zone).date() - timedelta(days=1)
    if day < calendar.first_due_date:
        return dg.SkipReason(f"{day} has no partition")
    if not core.book_what_exists.is_ended():
        return dg.SkipReason("the opening of the ledger has not ended: the next night seals this day, too")
    return dg.RunRequest(run_key=f"seal {day}", partition_key=day.isoformat())


flow_watch = dg.ScheduleDefinition(
    name="flow_watch",
    job=watch,
    cron_schedule="*/10 * * * *",
    default_status=_RUNNING,
    description="Looks whether anything is stuck, lost or overdue.",
)

nightly_release = dg.ScheduleDefinition(
    name="nightly_release",
    job=release_reserve,
    cron_schedule="45 2 * * *",
    execution_timezone=calendar.time_zone,
    default_status=_RUNNING,
    description="Releases what was kept back of settlements, on its date.",
)

nightly_clean_up = dg.ScheduleDefinition(
    name="nightly_clean_up",
    job=clean_up,
    cron_schedule="15 3 * * *",
    execution_timezone=calendar.time_zone,
    default_status=_RUNNING,
    description="Purges what would slow the platform down after a year.",
)

weekly_books = dg.ScheduleDefinition(
    name="weekly_books",
    job=check_all_books,
    cron_schedule="15 4 * * 0",
    execution_timezone=calendar.time_zone,
    default_status=_RUNNING,
    description="Checks the books over all of history.",
)
