"""The asset `settlement`: a partition is a due date, and materializing it pays what is due on it."""

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg
from pydantic import Field

from psp_core.domain.kernel.errors import BooksDoNotBalance, HoldLost, SettlementInProgress
from psp_core.domain.operations.leases import run_holder
from psp_core.domain.settlement.settlements import MerchantTotals, totals_by_currency
from psp_core.observability import get_logger
from psp_pipelines.access.reasons import SETTLEMENT_OP
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
    """What a person may ask for in the launchpad; the schedule asks for everything."""

    # With no default, Dagster would ask for it, and offer no ranges of dates in exchange.
    reason: str = Field(default="", description="Why this is run by hand: without it the launch is refused")
    merchants: list[str] = Field(default=[], description="Only these merchants; none means all")
    dry_run: bool = Field(default=False, description="Show what would be paid, and write nothing")
    diff: bool = Field(
        default=False, description="With dry_run: by merchant the lines that would be added, or are missing"
    )


@dg.op(
    name=SETTLEMENT_OP,
    ins={"payables": dg.In(dg.Nothing)},
    # Neither is made by a dry run or where other runs have the dates: nothing was paid, and nothing was compared.
    out={"result": dg.Out(dg.Nothing, is_required=False), CONTROL_TOTALS: dg.Out(is_required=False)},
)
def _settle(
    context: dg.AssetExecutionContext, config: SettlementConfig, core: CoreResource
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    # What can pass is an outage of the database: 5, 10, 20 seconds later it may be over.
    end_if_cancelled(context)
    with tried_again(context, first_delay_s=5):
        yield from _settle_dates(context, config, core)


# Dagster's decorator would have every run report a result of the check, also one that did nothing.
settlement = dg.AssetsDefinition(
    specs=[
        dg.AssetSpec(
            "settlement",
            deps=[payables],
            description="What was paid: every payable that is due on the date, in settlements that a merchant can "
            "reconcile.\n\n"
            "Materialize a date to pay it. Doing it twice pays nothing twice: the second run shows the totals of the "
            "first. A date that was missed is requested again within the hour by the sweep; `unpaid_dates` lists what "
            "needs a hand.\n\n"
            "By hand, say why: the launchpad of the job `settle_due_payables` has a field `reason`, and settles a date "
            "with its report. There `dry_run: true` shows what would be paid and pays nothing.",
            partitions_def=due_dates,
            group_name="settlement",
            owners=["team:finance-operations"],
            kinds={"postgres"},
            freshness_policy=dg.FreshnessPolicy.cron(
                deadline_cron=f"{calendar.settlement_starts_at.minute} "
                f"{(calendar.settlement_starts_at.hour + 1) % 24} * * *",
                lower_bound_delta=timedelta(hours=1),
                timezone=calendar.time_zone,
            ),
        )
    ],
    node_def=_settle,
    keys_by_input_name={"payables": payables.key},
    keys_by_output_name={"result": dg.AssetKey("settlement")},
    check_specs_by_output_name={
        CONTROL_TOTALS: dg.AssetCheckSpec(
            CONTROL_TOTALS,
            asset="settlement",
            blocking=True,
            description="Compares what was due before the run with what the run settled, to the cent.",
        )
    },
    backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=DATES_PER_RUN),
)


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
        yield dg.AssetCheckResult(
            check_name=CONTROL_TOTALS,
            passed=False,
            description=str(imbalance),
            metadata={"discrepancies": metadata.discrepancies_table(imbalance.discrepancies)},
        )
        raise dg.Failure(str(imbalance), allow_retries=False) from imbalance
    if config.dry_run or left == len(keys):
        return
    yield dg.MaterializeResult()
    yield dg.AssetCheckResult(
        check_name=CONTROL_TOTALS,
        passed=True,
        description="What was due is what was settled.",
        metadata={"settled": metadata.totals_table(totals_by_currency(settled))},
    )


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
    if report.dry_run:
        _log.info("dry run: nothing was paid", due_on=key, would_be_paid_count=report.count)
        context.log.info(f"{label}: dry run, nothing was paid; {report.count:,} payables would be")
        shown = metadata.of_dry_run(report)
        if config.diff:
            shown |= metadata.of_difference(
                core.compare_settlement(due_on=report.due_on, merchants=config.merchants or None)
            )
        context.log_event(dg.AssetObservation(context.asset_key, partition=key, metadata=shown))
        return []
    # An alarm in infrastructure/ watches this field: a day without it is a day on which nobody was paid.
    _log.info("settled", due_on=key, settled_count=report.count)
    # What this run paid is in no report yet.
    published = None if report.count else core.write_settlement_report.published(due_on=report.due_on)
    shown = metadata.of_settlement(
        report,
        seconds=progress.elapsed_s,
        report=metadata.report_link(published, core.settings),
    )
    context.add_asset_metadata(shown, partition_key=key)
    return report.settled
