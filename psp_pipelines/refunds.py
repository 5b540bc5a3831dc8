"""The job `fail_refund`: a cardholder did not get the money, so the merchant has it back."""

import dagster as dg
from pydantic import Field

from psp_core.domain.refunds import told_payable
from psp_pipelines.access.reasons import launch_of
from psp_pipelines.kernel.by_hand import record_if_by_hand
from psp_pipelines.kernel.failures import id_in, refusals_end_the_run
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import HOUSEKEEPING, KIND, NOT_REPLACED


class FailRefundConfig(dg.Config):
    reason: str = Field(default="", description="Why it failed; the merchant reads it, too")
    refund_id: str = Field(description="The refund's id")


@dg.op
def fail_one_refund(context: dg.OpExecutionContext, config: FailRefundConfig, core: CoreResource) -> None:
    """Post the refund's mirror, and give the merchant back what it took."""
    record_if_by_hand(context, core, action="refunds fail", details={"refund_id": config.refund_id})
    id = id_in(config.refund_id, field="refund_id")
    with refusals_end_the_run():
        failed = core.fail_refund(id, reason=launch_of(context.run).reason)
    for row in failed.payables:
        context.log.info(told_payable(row))
    context.add_output_metadata(
        {"refund": str(id), "merchant": failed.refund.customer_id, "amount_minor": failed.refund.amount.minor}
    )


@dg.job(tags={KIND: HOUSEKEEPING, **NOT_REPLACED})
def fail_refund() -> None:
    """Lets a refund have failed: the merchant gets back what it took. A second time is refused."""
    fail_one_refund()
