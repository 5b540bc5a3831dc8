"""The asset `payables`: what merchants will be paid for the transactions that the queue holds."""

from datetime import timedelta

import dagster as dg
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from pydantic import Field

from psp_core.observability import get_logger
from psp_core.usecases.payables.drain_queue import DrainOutcome
from psp_pipelines.intake import transactions
from psp_pipelines.kernel.progress import Pace, Progress
from psp_pipelines.kernel.resources import CoreResource

_log = get_logger(__name__)

SHOWN_EVERY_S = 60.0
"""How often a drain run shows what it has done so far as the asset's state: an event costs 18 ms."""


VERSION = dg.DataVersion("payables")
"""Always the same: more payables change no date that was settled, and Dagster would call each "Unsynced"."""


class DrainConfig(dg.Config):
    """How long a drain run stays."""

    standby: bool = Field(default=False, description="Stay until the run's time is over, however empty the queue is")


@dg.asset(
    deps=[transactions],
    group_name="settlement",
    owners=["team:payments"],
    kinds={"sqs", "postgres"},
    freshness_policy=dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=6), fail_window=timedelta(hours=24)),
)
def payables(context: dg.AssetExecutionContext, config: DrainConfig, core: CoreResource) -> dg.MaterializeResult[None]:
    """What merchants will be paid for their transactions: one row an installment, with its fee and due date.

    A drain run consumes the transactions' queue: one is always up, more come with the backlog and
    stay until it has been empty for a while. The queue sensor requests these runs by itself:
    there is nothing to press here.
    """
    log = Progress(context.log.info)
    shown = Pace(SHOWN_EVERY_S)

    def show(so_far: DrainOutcome) -> None:
        log.line(lambda: f"{so_far.created:,} payables from {so_far.messages:,} messages in {so_far.commits:,} commits")
        if shown.is_due():
            shown_now = _metadata(so_far, elapsed_s=log.elapsed_s)
            tags = {DATA_VERSION_TAG: VERSION.value}
            try:
                context.log_event(dg.AssetMaterialization(context.asset_key, metadata=shown_now, tags=tags))
            except Exception as outage:  # noqa: BLE001  whatever the driver of Dagster's database raises
                # The drain outlives it; what it has done is shown a minute later.
                _log.warning("not_shown", error=type(outage).__name__)

    report = core.drain_queue(is_standby=config.standby, on_commit=show)
    return dg.MaterializeResult(metadata=_metadata(report, elapsed_s=log.elapsed_s), data_version=VERSION)


def _metadata(report: DrainOutcome, *, elapsed_s: float) -> dict[str, int]:
    return {
        "payables_created": report.created,
        "payables_existing": report.existing,
        "messages": report.messages,
        "messages_left": report.left_messages,
        "unknown_transactions": len(report.unknown),
        "commits": report.commits,
        "payables_per_s": round(report.created / max(elapsed_s, 1e-3)),
    }
