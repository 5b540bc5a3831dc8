"""The alarm of runs: people are told once of each run that fails.

As that of checks does, its sensor remembers up to where people were told. An alarm that nobody took is sent again at
the next tick, before any later one, for as long as it takes.
"""

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from psp_core.domain.kernel.errors import AlarmNotDelivered, StorageUnavailable
from psp_pipelines.kernel import metadata
from psp_pipelines.kernel.failures import told_by
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import due_dates_of

TEXT_LENGTH_MAX = 1_000
EVENTS_PER_TICK = 200
SENDING_MAX_S = 20
"""No alarm is begun after so long: with its attempts, a tick stays within the minute that Dagster gives it."""


@dg.sensor(
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells people, where PSP_ALARM_URL says, of each run that fails: why, and what its dates still owe.",
)
def failed_run_alarm(context: dg.SensorEvaluationContext, core: CoreResource) -> dg.SensorResult:
    cursor = json.loads(context.cursor or "{}")
    # In a database that Dagster's own run_failure_sensor was used on, its cursor is the last one.
    after = cursor.get("after", cursor.get("record_id"))
    failures = dg.RunStatusChangeRecordsFilter(dg.DagsterEventType.RUN_FAILURE, after_storage_id=after)
    said = "no run failed since"
    for record in in_time(
        context.instance.fetch_run_status_changes(failures, limit=EVENTS_PER_TICK, ascending=True).records
    ):
        try:
            _tell_of_run(core, context.instance, record.event_log_entry)
        except AlarmNotDelivered as failure:
            said = f"{failure}; telling it again"
            break
        after = record.storage_id
    return dg.SensorResult(skip_reason=said, cursor=json.dumps({"after": after}))


def in_time(records: Iterable[Any]) -> Iterator[Any]:
    ends_at_s = time.monotonic() + SENDING_MAX_S
    for record in records:
        if time.monotonic() > ends_at_s:
            return
        yield record


def _tell_of_run(core: CoreResource, instance: dg.DagsterInstance, failed: dg.EventLogEntry) -> None:
    run_id = failed.run_id
    run = instance.get_run_by_id(run_id)
    if run is None:
        return
    steps = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    failures = [record.event_log_entry.dagster_event for record in steps]
    # A run that was ended from outside has no failed step, and its sentence in the event alone.
    ended_with = failed.user_message or failed.get_dagster_event().message
    text = "; ".join(told_by(event) for event in failures if event) or ended_with or "no message"
    core.alarms.send(
        subject=f"Run of {_name(run)} failed",
        text=f"{text[:TEXT_LENGTH_MAX]}{_what_it_leaves(core, run)}",
        link=f"{core.settings.operations_url}/runs/{run_id}",
    )


def _what_it_leaves(core: CoreResource, run: dg.DagsterRun) -> str:
    """Return a sentence about what the run's dates still owe; nothing where it settles none."""
    bounds = due_dates_of(run)
    if bounds is None:
        return ""
    first, last = bounds
    dates = f"{first}" if first == last else f"{first} to {last}"
    try:
        found = core.list_unpaid_dates.of(first, last)
    except StorageUnavailable:
        return f"\nDue dates: {dates}."
    owed = f"{metadata.amounts(found.owed)} to {found.merchants:,} merchants" if found.owed else "nothing"
    return f"\nDue dates: {dates}, which still owe {owed}."


def _name(run: dg.DagsterRun) -> str:
    assets = ", ".join(sorted(key.to_user_string() for key in run.asset_selection or ()))
    return assets or run.job_name
