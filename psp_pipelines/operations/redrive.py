"""The job `redrive`: dead letters get another chance."""

import dagster as dg
from pydantic import Field

from psp_pipelines.kernel.by_hand import record_if_by_hand
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import HOUSEKEEPING, KIND, NOT_REPLACED


class RedriveConfig(dg.Config):
    reason: str = Field(default="", description="What was wrong, and why it will go well this time")
    messages_max: int = Field(default=10_000, ge=1)


@dg.op
def redrive_dead_letters(context: dg.OpExecutionContext, config: RedriveConfig, core: CoreResource) -> None:
    """Move readable dead letters to the transactions' queue."""
    record_if_by_hand(
        context,
        core,
        action="redrive",
        details={"messages_max": str(config.messages_max)},
    )
    report = core.redrive_dead_letters(limit=config.messages_max)
    context.log.info(
        f"{report.moved:,} messages with {report.transactions:,} transactions were moved to the queue; "
        f"{report.unreadable:,} that nobody can read were left"
    )
    if report.withheld:
        raise dg.Failure(
            f"{report.moved:,} messages were moved, but {report.withheld:,} are in somebody else's hands and did not "
            "come back in time: run it again in some minutes",
            allow_retries=False,
        )
    context.add_output_metadata(
        {"messages": report.moved, "transactions": report.transactions, "unreadable": report.unreadable}
    )


@dg.job(tags={KIND: HOUSEKEEPING, **NOT_REPLACED})
def redrive() -> None:
    """Puts dead letters into the transactions' queue again. Harmless when repeated: payables are created once."""
    redrive_dead_letters()
