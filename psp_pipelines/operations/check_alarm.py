"""The alarm of checks: people are told when one begins to fail, daily while it fails, and when it is well again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from psp_core.domain.kernel.errors import AlarmNotDelivered
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.operations.alarms import EVENTS_PER_TICK, TEXT_LENGTH_MAX, in_time

TOLD_AGAIN_AFTER = timedelta(days=1)


@dataclass(slots=True)
class _Failing:
    """A check that fails: what it says, and when people were last told."""

    said: str
    told_at: str

    def is_told_again(self, now: datetime) -> bool:
        return now - datetime.fromisoformat(self.told_at) >= TOLD_AGAIN_AFTER


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells people, where PSP_ALARM_URL says, when an asset check begins to fail and what it found, again "
    "every day while it fails, and once when it is well again.",
)
def failed_check_alarm(context: dg.SensorEvaluationContext, core: CoreResource) -> dg.SensorResult:
    after, failing = _remembered(context, core)
    records = context.instance.get_event_records(
        dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION, after_cursor=after),
        limit=EVENTS_PER_TICK,
        ascending=True,
    )
    said = ""
    try:
        for record in in_time(records):
            if event := record.event_log_entry.dagster_event:
                _take(core, event.asset_check_evaluation_data, failing)
            after = record.storage_id
        for name, check in in_time(failing.items()):
            if check.is_told_again(core.clock.now()):
                _tell(core, f"Check still fails: {name}", name=name, text=check.said)
                check.told_at = core.clock.now().isoformat()
    except AlarmNotDelivered as failure:
        said = f"; {failure}; telling it again"
    cursor = {"after": after, "failing": {name: asdict(check) for name, check in failing.items()}}
    return dg.SensorResult(skip_reason=f"{len(failing)} checks fail{said}", cursor=json.dumps(cursor))


def _remembered(context: dg.SensorEvaluationContext, core: CoreResource) -> tuple[int | None, dict[str, _Failing]]:
    """Return up to where people were told, and the checks that failed then and still exist."""
    cursor = json.loads(context.cursor or '{"after": null, "failing": {}}')
    failing = cursor["failing"]
    if isinstance(failing, list):
        # An older release remembered names alone.
        failing = {name: {"said": "", "told_at": core.clock.now().isoformat()} for name in failing}
    existing = _checks_of(context)
    return cursor["after"], {name: _Failing(**check) for name, check in failing.items() if name in existing}


def _checks_of(context: dg.SensorEvaluationContext) -> set[str]:
    repository = context.repository_def
    keys = repository.asset_graph.asset_check_keys if repository else ()
    return {_name(key.asset_key, key.name) for key in keys}


def _take(core: CoreResource, result: dg.AssetCheckEvaluation, failing: dict[str, _Failing]) -> None:
    """Tell what has changed with the result, and remember it."""
    name = _name(result.asset_key, result.check_name)
    text = (result.description or "")[:TEXT_LENGTH_MAX]
    if result.passed:
        if name in failing:
            _tell(core, f"Check is well again: {name}", name=name, text=text)
            del failing[name]
    elif name in failing:
        failing[name].said = text
    else:
        _tell(core, f"Check fails: {name}", name=name, text=text)
        failing[name] = _Failing(text, core.clock.now().isoformat())


def _tell(core: CoreResource, subject: str, *, name: str, text: str) -> None:
    asset = name.partition(": ")[0]
    core.alarms.send(
        subject=subject,
        text=f"{text} docs/operations.md says what to do.".strip(),
        link=f"{core.settings.operations_url}/assets/{asset}?view=checks",
    )


def _name(asset: Any, check: str) -> str:
    return f"{asset.to_user_string()}: {check}"
