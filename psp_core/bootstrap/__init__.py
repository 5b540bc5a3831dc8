"""The composition root: reads the settings once and hands out use cases, made of real adapters.

A feature is composed in a file of its own; what it needs stands there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from psp_core.adapters.clock import SystemClock, TimeLapseClock, TimeOrderedIds
from psp_core.adapters.postgres.store import PoolLimits, open_store
from psp_core.adapters.sqs import SqsQueue, SqsSettings
from psp_core.bootstrap.access import Access
from psp_core.bootstrap.desk import Desk
from psp_core.bootstrap.events import Events
from psp_core.bootstrap.intake import Intake
from psp_core.bootstrap.ledger import Ledger
from psp_core.bootstrap.operations import Operations
from psp_core.bootstrap.payables import Payables
from psp_core.bootstrap.pricing import Pricing
from psp_core.bootstrap.refunds import Refunds
from psp_core.bootstrap.settlement import Settlement
from psp_core.ports.kernel import Clock
from psp_core.settings import Settings


@dataclass(frozen=True)
class Core(Intake, Events, Payables, Pricing, Ledger, Settlement, Refunds, Access, Desk, Operations):
    """Every use case, ready to call. One per process; nothing connects before its first use."""


def build_core(settings: Settings, *, application_name: str = "psp") -> Core:
    """Compose the core for this process. Fork first: neither connections nor clients survive one."""
    limits = PoolLimits(
        size=settings.database_pool_size,
        connect_timeout_s=settings.database_connect_timeout_s,
        statement_timeout_s=settings.database_statement_timeout_s,
        lock_timeout_s=settings.database_lock_timeout_s,
    )
    reads, relay = settings.read_database_url, settings.relay_database_url
    store = open_store(
        settings.database_url.get_secret_value(),
        limits=limits,
        application_name=application_name,
        prepares=settings.database_prepares,
        lease_s=settings.lease_s,
        read_url=reads.get_secret_value() if reads else None,
        read_pool_size=settings.read_database_pool_size,
    )
    # A relay is one thread.
    alone = replace(limits, size=1)
    return Core(
        settings=settings,
        store=store,
        queue=SqsQueue(sqs_settings(settings)),
        clock=_clock(settings),
        ids=TimeOrderedIds(),
        relay_store=open_store(relay.get_secret_value(), limits=alone, application_name=application_name)
        if relay
        else None,
    )


def sqs_settings(settings: Settings) -> SqsSettings:
    return SqsSettings(
        queue_name=settings.sqs_queue_name,
        endpoint_url=settings.sqs_endpoint_url,
        visibility_timeout_s=settings.sqs_visibility_timeout_s,
        max_receive_count=settings.sqs_max_receive_count,
        connect_timeout_s=settings.sqs_connect_timeout_s,
    )


def _clock(settings: Settings) -> Clock:
    if settings.clock_start is None:
        return SystemClock()
    return TimeLapseClock(datetime.fromisoformat(settings.clock_start), settings.clock_speed)
