"""The job `release_reserve`: what was kept back of settlements is the merchants' on its date."""

import dagster as dg

from psp_core.domain.kernel.money import Currency
from psp_pipelines.kernel.resources import CoreResource
from psp_pipelines.kernel.runs import HOUSEKEEPING, KIND, REPLACED_ONCE


@dg.op
def release_due_reserve(context: dg.OpExecutionContext, core: CoreResource) -> None:
    """Release all that is due by today; debt is repaid first."""
    released = core.release_reserve()
    sums: dict[Currency, int] = {}
    for each in released:
        sums[each.currency] = sums.get(each.currency, 0) + each.net_minor
    context.log.info(f"the reserves of {len(released):,} merchants and currencies were released")
    context.add_output_metadata(
        {"merchants": len(released), **{f"{currency}_minor": minor for currency, minor in sorted(sums.items())}}
    )


@dg.job(tags={KIND: HOUSEKEEPING, **REPLACED_ONCE})
def release_reserve() -> None:
    """Releases what was kept back of settlements, on its date. Every night; harmless when repeated."""
    release_due_reserve()
