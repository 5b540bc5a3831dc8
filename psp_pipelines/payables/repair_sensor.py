"""The repair sensor: transactions whose message was lost do not wait for a person."""

from datetime import datetime

import dagster as dg

from psp_core.domain.kernel.errors import QueueUnavailable
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.payables.repair import repair


@dg.sensor(
    job=repair,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks every minute for transactions that have had no payables for some minutes, and requests `repair` "
    "for them.",
)
def stray_transactions_sensor(context: dg.SensorEvaluationContext, core: CoreResource) -> dg.SensorResult:
    # The cursor is the instant up to which every transaction is known to have its payables.
    checked_from = datetime.fromisoformat(context.cursor) if context.cursor else None
    try:
        report = core.check_flow.strays(checked_from=checked_from)
    except QueueUnavailable as outage:
        return dg.SensorResult(skip_reason=f"{outage}; looking again")
    if not report.strays:
        reason = f"every transaction before {report.checked_until:%Y-%m-%d %H:%M} has its payables"
        return dg.SensorResult(skip_reason=reason, cursor=report.checked_until.isoformat())
    if report.on_their_way:
        return dg.SensorResult(skip_reason=f"{len(report.strays)} transactions may still be on their way")
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                # Once in so many minutes: the last repair needs the time to show.
                run_key=f"{report.checked_until.timestamp() // (60 * core.settings.repair_after_minutes):.0f}",
                run_config={
                    "ops": {"repair_transactions": {"config": {"created_from": report.checked_from.isoformat()}}}
                },
            )
        ]
    )
