"""The flow: nothing is stuck, lost or overdue. Asked every ten minutes by the job `watch`."""

import dagster as dg

from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.operations.dead_letters import dead_letters
from psp_pipelines.payables.payables import payables

STRAYS_SHOWN_MAX = 10


@dg.asset_check(asset=payables)
def nothing_overdue(core: CoreResource) -> dg.AssetCheckResult:
    """Nothing that is due is left for longer than a day."""
    dates = core.find_unsettled_dates(grace_days=1)
    return dg.AssetCheckResult(
        passed=not dates,
        metadata={"overdue_dates": len(dates), "first": ", ".join(day.isoformat() for day in dates[:31])},
    )


@dg.asset_check(asset=payables)
def every_transaction_has_payables(core: CoreResource) -> dg.AssetCheckResult:
    """Every transaction of the last days that is older than some minutes has its payables."""
    report = core.check_flow.strays()
    return dg.AssetCheckResult(
        passed=not report.strays,
        metadata={
            "without_payables": len(report.strays),
            "still_on_their_way": report.on_their_way,
            "first": ", ".join(str(id) for id in report.strays[:STRAYS_SHOWN_MAX]),
        },
    )


@dg.asset_check(asset=payables)
def outbox_not_stuck(core: CoreResource) -> dg.AssetCheckResult:
    """What was stored is sent to the queue within a minute."""
    flow = core.check_flow()
    return dg.AssetCheckResult(
        passed=not flow.is_late,
        metadata={"entries": flow.outbox.entries, "oldest_age_s": round(flow.outbox.oldest_age_s)},
    )


@dg.asset_check(asset=dead_letters)
def dead_letter_queue_empty(core: CoreResource) -> dg.AssetCheckResult:
    """No message was given up."""
    depth = core.queue.dead_letter_depth()
    messages = depth.waiting + depth.in_flight
    return dg.AssetCheckResult(passed=not messages, metadata={"messages": messages})
