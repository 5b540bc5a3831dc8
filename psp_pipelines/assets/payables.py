"""The asset `payables`: what merchants will be paid for the transactions that the queue holds."""

from datetime import timedelta

import dagster as dg

from psp_pipelines.assets.transactions import transactions
from psp_pipelines.progress import Progress
from psp_pipelines.resources import CoreResource


@dg.asset(
    deps=[transactions],
    group_name="settlement",
    owners=["team:payments"],
    kinds={"sqs", "postgres"},
    freshness_policy=dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=6), fail_window=timedelta(hours=24)),
)
def payables(context: dg.AssetExecutionContext, core: CoreResource) -> dg.MaterializeResult[None]:
    """What merchants will be paid for their transactions: one row an installment, with its fee and due date.

    A drain run consumes the transactions' queue until it has been empty for a while. The queue
    sensor requests these runs by itself: there is nothing to press here.
    """
    progress = Progress(context.log.info)
    report = core.drain_queue(
        on_commit=lambda so_far: progress.line(
            lambda: f"{so_far.created:,} payables from {so_far.messages:,} messages in {so_far.commits:,} commits"
        )
    )
    return dg.MaterializeResult(
        metadata={
            "payables_created": report.created,
            "payables_existing": report.existing,
            "messages": report.messages,
            "messages_left": report.left_messages,
            "unknown_transactions": len(report.unknown),
            "commits": report.commits,
            "payables_per_s": round(report.created / max(progress.elapsed_s, 1e-3)),
        }
    )
