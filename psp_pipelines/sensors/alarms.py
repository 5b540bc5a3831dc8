"""Alarms: people are told once when a run fails, and once when a check begins to fail."""

import json

import dagster as dg

from psp_pipelines.resources import CoreResource

TEXT_LENGTH_MAX = 1_000
EVENTS_PER_TICK = 200


@dg.run_failure_sensor(default_status=dg.DefaultSensorStatus.RUNNING, minimum_interval_seconds=10)
def failed_run_alarm(context: dg.RunFailureSensorContext, core: CoreResource) -> None:
    """Tells people about each failed run, once, where PSP_ALARM_URL says."""
    run = context.dagster_run
    failures = [event.step_failure_data for event in context.get_step_failure_events()]
    sentences = [(data.user_failure_data.description if data.user_failure_data else None) for data in failures]
    text = "; ".join(sentence for sentence in sentences if sentence) or context.failure_event.message or "no message"
    core.alarms.send(
        subject=f"Run of {_name(run)} failed",
        text=text[:TEXT_LENGTH_MAX],
        link=f"{core.settings.operations_url}/runs/{run.run_id}",
    )


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
    for record in records:
        event = record.event_log_entry.dagster_event
        if event is None:
            continue
        result = event.asset_check_evaluation_data
        name = f"{result.asset_key.to_user_string()}: {result.check_name}"
        if result.passed == (name in failing):
            _tell(core, name=name, passed=result.passed, link_to=result.asset_key)
        failing = failing - {name} if result.passed else failing | {name}
        cursor = {"after": record.storage_id, "failing": sorted(failing)}
    return dg.SensorResult(skip_reason=f"{len(failing)} checks fail", cursor=json.dumps(cursor))


def _tell(core: CoreResource, *, name: str, passed: bool, link_to: dg.AssetKey) -> None:
    core.alarms.send(
        subject=f"Check {'is well again' if passed else 'fails'}: {name}",
        text="docs/operations.md says what it means and what to do.",
        link=f"{core.settings.operations_url}/assets/{'/'.join(link_to.path)}?view=checks",
    )


def _name(run: dg.DagsterRun) -> str:
    assets = ", ".join(sorted(key.to_user_string() for key in run.asset_selection or ()))
    return assets or run.job_name
