"""The composed core, as the one resource that assets, checks, schedules and sensors take."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import dagster as dg

if TYPE_CHECKING:
    from psp_core.bootstrap import Core

    CoreResource: TypeAlias = dg.ResourceParam[Core]
else:
    # The core's drivers take a third of a second to import, which the parent of a step does not need.
    CoreResource = dg.ResourceParam[Any]


@dg.resource(description="Every use case of psp_core, composed from the settings in the environment")
def core(_context: dg.InitResourceContext) -> Core:
    return _core()


@cache
def _core() -> Core:
    # One per process: a sensor's tick comes every five seconds and must not open a new pool.
    from psp_core.bootstrap import build_core
    from psp_core.observability import configure_logging
    from psp_core.settings import Settings, load

    settings = load(Settings)
    configure_logging(settings)
    core = build_core(settings, application_name="psp-pipelines")
    core.time_zone.require()
    return core
