"""The job `explain_merchant`: why did this merchant get this?"""

from datetime import date

import dagster as dg
from pydantic import Field

from psp_pipelines.kernel import metadata
from psp_pipelines.kernel.failures import refusals_end_the_run
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import HOUSEKEEPING, KIND, NOT_REPLACED


class ExplainConfig(dg.Config):
    merchant: str = Field(description="The merchant, as `x-customer-id` names it")
    date: str = Field(description="The due date, as YYYY-MM-DD")


@dg.op
def explain(context: dg.OpExecutionContext, config: ExplainConfig, core: CoreResource) -> None:
    """Show the date's settlements by type of line, what was already available, and what still waits until when."""
    try:
        day = date.fromisoformat(config.date)
    except ValueError as refusal:
        raise dg.Failure(f"date: {refusal}", allow_retries=False) from refusal
    with refusals_end_the_run():
        explanation = core.explain_merchant(config.merchant, on=day)
    context.log.info(explanation.summary)
    report = explanation.report_url
    context.add_output_metadata(
        {
            "answer": explanation.summary,
            **{table.title.replace(" ", "_"): metadata.plain_table(table) for table in explanation.tables()},
            "report": metadata.file_link(report, core.settings) if report else "none yet",
        }
    )


@dg.job(tags={KIND: HOUSEKEEPING, **NOT_REPLACED})
def explain_merchant() -> None:
    """Explains what a merchant got on a date: settlements, their lines by type, and what waits. Changes nothing."""
    explain()
