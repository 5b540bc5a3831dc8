"""A platform that nobody has settled for a year."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from psp_core.bootstrap import Core, build_core
from psp_core.settings import Settings
from tests.builders import SettableClock, a_new_transaction, a_submission
from tests.reach import create_queues

MISSED_DAYS = 365
CREDIT_DELAY = timedelta(days=30)
MERCHANTS = ("lightsabers-co", "droid-repairs", "moisture-farm")


def a_year_of_transactions(settings: Settings) -> None:
    """Store transactions whose payables were due on each of the last 365 days, and a message for the sensor."""
    clock = SettableClock()
    core = replace(build_core(settings), clock=clock)
    create_queues(core)
    today = datetime.now(UTC).replace(hour=0, minute=1, second=0, microsecond=0)
    for days_ago in range(MISSED_DAYS):
        clock.instant = today - timedelta(days=days_ago) - CREDIT_DELAY
        _a_day(core, number=days_ago)
    core.keep_relaying().run_until_empty()
    core.drain_queue()
    clock.instant = datetime.now(UTC)
    _a_day(core, number=0)
    core.keep_relaying().run_until_empty()
    core.store.close()


def _a_day(core: Core, *, number: int) -> None:
    rows = [
        a_new_transaction(customer_id=merchant, amount_minor=10_000 + 137 * (number * (place + 3) % 97))
        for place, merchant in enumerate(MERCHANTS)
        for _ in range(place + 1)
    ]
    core.accept_transactions([a_submission(*rows)])
