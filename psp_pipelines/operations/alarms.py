"""Alarms: people are told once when a run fails, and once when a check begins to fail.

Each sensor remembers up to where people were told. An alarm that nobody took is sent again at the next tick, before
any later one, for as long as it takes.
"""

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from psp_core.domain.kernel.errors import AlarmNotDelivered
from psp_pipelines.kernel.failures import told_by
from psp_pipelines.kernel.resources import CoreResource

TEXT_LENGTH_MAX = 1_000
EVENTS_PER_TICK = 200
SENDING_MAX_S = 20
"""No alarm is begun after so long: with its attempts, a tick stays within the minute that Dagster gives it."""


@dg.sensor(minimum_interval_seconds=10, default_status=dg.DefaultSensorStatus.RUNNING)
def failed_run_alarm(context: dg.SensorEvaluationContext, core: CoreResource) -> dg.SensorResult:
    """Tells people about each failed run, once, where PSP_ALARM_URL says."""
    cursor = json.loads(context.cursor or "{}")
    # In a database that Dagster's own run_failure_sensor was used on, its cursor is the last one.
    after = cursor.get("after", cursor.get("record_id"))
    failures = dg.RunStatusChangeRecordsFilter(dg.DagsterEventType.RUN_FAILURE, after_storage_id=after)
    said = "no run failed since"
    for record in _in_time(
        context.instance.fetch_run_status_changes(failures, limit=EVENTS_PER_TICK, ascending=True).records
    ):
        try:
            _tell_of_run(core, context.instance, record.event_log_entry)
        except AlarmNotDelivered as failure:
            said = f"{failure}; telling it again"
            break
        after = record.storage_id
    return dg.SensorResult(skip_reason=said, cursor=json.dumps({"after": after}))


@dg.sensor(minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def failed_check_alarm(context: dg.SensorEvaluationContext, core: CoreResource) -> dg.SensorResult:
    """Tells people when an asset check begins to fail, and when it is well again."""
    cursor = json.loads(context.cursor or '{"after": null, "failing": []}')
    failing = set(cursor["failing"])
    records = context.instance.get_event_records(
        dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION, after_cursor=cursor["after"]),
        limit=EVENTS_PER_TICK,
        ascending=True,
    )
    said = ""
    for record in _in_time(records):
        event = record.event_log_entry.dagster_event
        if event is None:
            continue
        result = event.asset_check_evaluation_data
        name = f"{result.asset_key.to_user_string()}: {result.check_name}"
        if result.passed == (name in failing):
            try:
                _tell_of_check(core, name=name, passed=result.passed, link_to=result.asset_key)
            except AlarmNotDelivered as failure:
                said = f"; {failure}; telling it again"
                break
        failing = failing - {name} if result.passed else failing | {name}
        cursor = {"after": record.storage_id, "failing": sorted(failing)}
    return dg.SensorResult(skip_reason=f"{len(failing)} checks fail{said}", cursor=json.dumps(cursor))


def _in_time(records: Iterable[Any]) -> Iterator[Any]:
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
        text=text[:TEXT_LENGTH_MAX],
        link=f"{core.settings.operations_url}/runs/{run_id}",
    )


def _tell_of_check(core: CoreResource, *, name: str, passed: bool, link_to: dg.AssetKey) -> None:
    core.alarms.send(
        subject=f"Check {'is well again' if passed else 'fails'}: {name}",
        text="docs/operations.md says what it means and what to do.",
        link=f"{core.settings.operations_url}/assets/{'/'.join(link_to.path)}?view=checks",
    )


def _name(run: dg.DagsterRun) -> str:
    assets = ", ".join(sorted(key.to_user_string() for key in run.asset_selection or ()))
    return assets or run.job_name
