"""The asset `settlement`: a partition is a due date, and materializing it pays what is due on it."""

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg
from pydantic import Field

from psp_core.domain.kernel.errors import BooksDoNotBalance, HoldLost, SettlementInProgress
from psp_core.domain.operations.leases import run_holder
from psp_core.domain.settlement.settlements import MerchantTotals, totals_by_currency
from psp_core.observability import get_logger
from psp_pipelines.kernel import metadata
from psp_pipelines.kernel.backfills import end_if_cancelled
from psp_pipelines.kernel.by_hand import record_if_by_hand
from psp_pipelines.kernel.failures import refusals_end_the_run, tried_again
from psp_pipelines.kernel.progress import Progress
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import DATES_PER_RUN
from psp_pipelines.payables.payables import payables
from psp_pipelines.settlement.partitions import calendar, due_dates

CONTROL_TOTALS = "control_totals"
_log = get_logger(__name__)


class SettlementConfig(dg.Config):
    """What a person may ask for in the launchpad; the schedule asks for everything.

    `reason` has no default, so that Dagster's form shows it as what is missing.
    """

    reason: str = Field(description="Why this is run by hand. Required: without it the launch is refused")
    merchants: list[str] = Field(default=[], description="Only these merchants; none means all")
    dry_run: bool = Field(default=False, description="Show what would be paid, and write nothing")


@dg.asset(
    partitions_def=due_dates,
    backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=DATES_PER_RUN),
    deps=[payables],
    # A dry run materializes nothing, and neither does one whose dates other runs have.
    output_required=False,
    check_specs=[
        dg.AssetCheckSpec(
            CONTROL_TOTALS,
            asset="settlement",
            blocking=True,
            description="What was due before the run is what the run settled, to the cent.",
        )
    ],
    group_name="settlement",
    owners=["team:finance-operations"],
    kinds={"postgres"},
    freshness_policy=dg.FreshnessPolicy.cron(
        deadline_cron=f"{calendar.settlement_starts_at.minute} {(calendar.settlement_starts_at.hour + 1) % 24} * * *",
        lower_bound_delta=timedelta(hours=1),
        timezone=calendar.time_zone,
    ),
)
def settlement(
    context: dg.AssetExecutionContext, config: SettlementConfig, core: CoreResource
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """What was paid: every payable that is due on the date, in settlements that a merchant can reconcile.

    Materialize a date to pay it. Doing it twice pays nothing twice: the second run shows the
    totals of the first. A date that was missed is requested again within the hour by the sweep.
    By hand, say why in the tag `psp/reason`, or as `reason` in the config, where `dry_run: true`
    shows what would be paid and pays nothing.
    """
    # What can pass is an outage of the database: 5, 10, 20 seconds later it may be over.
    end_if_cancelled(context)
    with tried_again(context, first_delay_s=5):
        yield from _settle_dates(context, config, core)


def _settle_dates(
    context: dg.AssetExecutionContext, config: SettlementConfig, core: CoreResource
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    keys = context.partition_keys
    record_if_by_hand(
        context,
        core,
        action="settle",
        details={"dates": f"{keys[0]}/{keys[-1]}", "dry_run": str(config.dry_run), "merchants": str(config.merchants)},
    )
    settled: list[MerchantTotals] = []
    left = 0
    try:
        for number, key in enumerate(keys, start=1):
            label = f"{key} ({number} of {len(keys)} dates)"
            try:
                settled += _settle_date(context, config, core, key=key, label=label)
            except (SettlementInProgress, HoldLost) as rival:
                # Not this run's to do, and no failure: whoever has the date settles it.
                context.log.warning(f"{rival}")
                left += 1
    except BooksDoNotBalance as imbalance:
        yield _control_totals(passed=False, shown=metadata.discrepancies_table(imbalance.discrepancies))
        raise dg.Failure(str(imbalance), allow_retries=False) from imbalance
    if not config.dry_run and left < len(keys):
        yield dg.MaterializeResult()
    # Dagster wants a result of a dry run, too, or where others have the dates: nothing was settled or can differ.
    yield _control_totals(passed=True, shown=metadata.totals_table(totals_by_currency(settled)))


def _settle_date(
    context: dg.AssetExecutionContext, config: SettlementConfig, core: CoreResource, *, key: str, label: str
) -> list[MerchantTotals]:
    progress = Progress(context.log.info, about=label)
    with refusals_end_the_run():
        report = core.settle_payables(
            due_on=date.fromisoformat(key),
            merchants=config.merchants or None,
            dry_run=config.dry_run,
            holder=run_holder(context.run.run_id),
            on_progress=progress,
        )
    # An alarm in infrastructure/ watches this field: a day without it is a day on which nobody was paid.
    _log.info("settled", due_on=key, dry_run=report.dry_run, settled_count=0 if report.dry_run else report.count)
    shown = metadata.of_settlement(report, seconds=progress.elapsed_s, reports_url=core.settings.reports_url)
    if config.dry_run:
        context.log_event(dg.AssetObservation(context.asset_key, partition=key, metadata=shown))
    else:
        context.add_asset_metadata(shown, partition_key=key)
    return report.settled


def _control_totals(*, passed: bool, shown: metadata.Shown) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(check_name=CONTROL_TOTALS, passed=passed, metadata={"settled": shown})
