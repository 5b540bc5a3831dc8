"""The job `check_all_books`: once a week the books are checked over all of history, a month at a time."""

import dagster as dg

from psp_core.domain.kernel.errors import BooksDoNotBalance
from psp_pipelines.kernel import metadata
from psp_pipelines.kernel.progress import Progress
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import HOUSEKEEPING, KIND, NOT_REPLACED


@dg.op
def check_everything(context: dg.OpExecutionContext, core: CoreResource) -> None:
    """Check every rule over every month, and all balances against all postings."""
    progress = Progress(context.log.info)
    try:
        core.check_books.require_everything(on_progress=lambda month: progress.line(lambda: f"{month:%Y-%m}"))
    except BooksDoNotBalance as imbalance:
        shown = metadata.discrepancies_table(imbalance.discrepancies)
        raise dg.Failure(str(imbalance), metadata={"discrepancies": shown}, allow_retries=False) from imbalance


@dg.job(tags={KIND: HOUSEKEEPING, **NOT_REPLACED})
def check_all_books() -> None:
    """Checks the books over all of history. After each settlement they are checked since the last sealed day."""
    check_everything()
