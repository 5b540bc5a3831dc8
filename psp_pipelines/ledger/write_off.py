"""The job `write_off`: debt is given up, by one person who asks for it and another one who releases it."""

import dagster as dg
from pydantic import Field

from psp_core.domain.kernel.money import Currency, Money, written
from psp_core.domain.ledger.write_offs import WriteOff
from psp_pipelines.access.actors import ACTOR_TAG
from psp_pipelines.access.reasons import launch_of
from psp_pipelines.kernel.by_hand import record_if_by_hand
from psp_pipelines.kernel.failures import id_in, refusals_end_the_run
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import HOUSEKEEPING, KIND, NOT_REPLACED


class WriteOffConfig(dg.Config):
    reason: str = Field(default="", description="Why this debt is given up")
    release: str = Field(default="", description="The id of a write-off that somebody else has asked for; or, to ask:")
    merchant: str = Field(default="", description="Whose debt")
    currency: str = Field(default="", description="As by ISO 4217: BRL")
    amount_minor: int = Field(default=0, ge=0, description="How much of it, in minor units")


@dg.op
def write_off_debt(context: dg.OpExecutionContext, config: WriteOffConfig, core: CoreResource) -> None:
    """Ask for a write-off, or release one that somebody else has asked for."""
    details = {name: str(value) for name, value in config.model_dump(exclude={"reason"}).items() if value}
    record_if_by_hand(context, core, action="write-off", details=details)
    actor = context.run.tags.get(ACTOR_TAG)
    if actor is None:
        raise dg.Failure("nobody is logged in: a write-off needs two people with names", allow_retries=False)
    with refusals_end_the_run():
        made = _released(config, core, actor) if config.release else _requested(context, config, core, actor)
    amount = f"{made.amount.currency} {written(made.amount.minor, made.amount.currency)}"
    state = "was released" if config.release else "waits for somebody else to release it"
    context.log.info(f"write-off {made.id} of {amount} of {made.customer_id} {state}")
    context.add_output_metadata({"write_off": str(made.id), "merchant": made.customer_id, "amount": amount})


def _released(config: WriteOffConfig, core: CoreResource, actor: str) -> WriteOff:
    return core.write_off_debt.release(id_in(config.release, field="release"), by=actor)


def _requested(context: dg.OpExecutionContext, config: WriteOffConfig, core: CoreResource, actor: str) -> WriteOff:
    if config.currency not in set(Currency) or not config.merchant or not config.amount_minor:
        raise dg.Failure("merchant, currency and amount_minor say what is to be written off", allow_retries=False)
    amount = Money(config.amount_minor, Currency(config.currency))
    return core.write_off_debt.request(config.merchant, amount, reason=launch_of(context.run).reason, by=actor)


@dg.job(tags={KIND: HOUSEKEEPING, **NOT_REPLACED})
def write_off() -> None:
    """Gives up debt: the first launch asks for it, and another person's releases it."""
    write_off_debt()
