"""The composed core, as the one resource that assets, checks, schedules and sensors take."""

from __future__ import annotations

import _thread
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import dagster as dg

from psp_pipelines.kernel.runs import due_dates_of

if TYPE_CHECKING:
    from psp_core.bootstrap import Core

    CoreResource: TypeAlias = dg.ResourceParam[Core]
else:
    # The core's drivers take a third of a second to import, which the parent of a step does not need.
    CoreResource = dg.ResourceParam[Any]


@dg.resource(description="Every use case of psp_core, composed from the settings in the environment")
def core(context: dg.InitResourceContext) -> Iterator[Core]:
    """Compose the core; a run that uses it shows by a lease that it lives, as long as its steps go on."""
    composed = _core()
    run = context.run
    if run is None:
        _require_time_zone()
        yield composed
        return
    # As Terminate does: a run that was ended in Dagster while it stood still must not go on beside the next one.
    with composed.store.hold_run(run.run_id, due_dates=due_dates_of(run), on_lost=_thread.interrupt_main):
        # After the wait for a database that is away when the run starts.
        _require_time_zone()
        yield composed


@cache
def _core() -> Core:
    # One per process: a sensor's tick comes every five seconds and must not open a new pool.
    from psp_core.bootstrap import build_core
    from psp_core.observability import configure_logging
    from psp_core.settings import Settings, load

    settings = load(Settings)
    configure_logging(settings)
    return build_core(settings, application_name="psp-pipelines")


@cache
def _require_time_zone() -> None:
    """Raise TimeZoneChanged when the database's due dates are days of another zone. Asked once: neither can change."""
    _core().time_zone.require()
