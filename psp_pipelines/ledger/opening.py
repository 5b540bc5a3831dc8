"""The asset `ledger_opening`: what existed before the ledger is booked into it."""

import dagster as dg

from psp_pipelines.kernel.progress import Progress
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.payables.payables import payables


@dg.asset(deps=[payables], group_name="ledger", owners=["team:finance-operations"], kinds={"postgres"})
def ledger_opening(context: dg.AssetExecutionContext, core: CoreResource) -> dg.MaterializeResult[None]:
    """Payables of before the ledger, and of programs of before beside it, get opening entries.

    Looked at every ten minutes, since a program of before may still be draining. Until it has ended, merchants get no
    balance and no day is sealed.
    """
    progress = Progress(context.log.info)
    report = core.book_what_exists(
        on_progress=lambda ranges: progress.line(lambda: f"{ranges:,} ranges of payables were looked at")
    )
    return dg.MaterializeResult(
        metadata={"ranges": report.ranges, "entries": report.entries, "has_ended": report.is_ended}
    )
