"""The asset `unpaid_dates`: each date that needs a hand, and the check that none has needed one for long."""

import dagster as dg

from psp_pipelines.kernel import metadata
from psp_pipelines.kernel.resources import CoreResource

LAUNCHPAD = "/locations/psp/jobs/settle_due_payables/playground"
PARTITIONS = "/locations/psp/jobs/settle_due_payables/partitions"
GRACE_DAYS = 1
"""What is due today is paid today, at its time."""


@dg.asset(group_name="settlement", owners=["team:finance-operations"], kinds={"postgres"})
def unpaid_dates(core: CoreResource) -> dg.MaterializeResult[None]:
    """Every due date that still owes something, and every settled date whose report is missing.

    Looked at every ten minutes. Empty is the good state. `settlement_sweep` requests these dates
    every hour by itself; what is still here after that needs a hand:
    follow `settle_them`, choose the date as **Partition**, write why as `reason`, and launch the run.
    """
    found = core.list_unpaid_dates()
    return dg.MaterializeResult(
        metadata={
            "unpaid_dates": len(found.unpaid),
            "dates_without_report": len(found.unreported),
            "still_due": metadata.totals_table(found.owed),
            "merchants": found.merchants,
            "oldest_dates": metadata.unpaid_table(found),
            "settle_them": dg.MetadataValue.url(f"{core.settings.operations_url}{LAUNCHPAD}"),
            "settle_many": dg.MetadataValue.url(f"{core.settings.operations_url}{PARTITIONS}"),
        }
    )


@dg.asset_check(asset=unpaid_dates, description="Looks for due dates that have owed something for more than a day.")
def nothing_overdue(core: CoreResource) -> dg.AssetCheckResult:
    found = core.list_unpaid_dates(grace_days=GRACE_DAYS)
    return dg.AssetCheckResult(
        passed=not found.unpaid,
        description=metadata.overdue_sentence(found) if found.unpaid else "Nothing is overdue.",
        metadata={"overdue_dates": len(found.unpaid), "oldest_dates": metadata.unpaid_table(found)},
    )
