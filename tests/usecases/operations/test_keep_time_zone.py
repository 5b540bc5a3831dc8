from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from psp_core.bootstrap import Core
from psp_core.domain.kernel.errors import TimeZoneChanged
from tests.builders import a_submission

InZone = Callable[[str], Core]


@pytest.fixture
def in_zone(core: Core) -> InZone:
    """The same core and database, with another PSP_TIME_ZONE."""
    return lambda name: replace(core, settings=core.settings.model_copy(update={"time_zone": name}))


def post(core: Core) -> None:
    core.accept_transactions([a_submission()])
    core.keep_relaying().run_until_empty()
    core.drain_queue()


class TestKeepTimeZone:
    def test_refuses_another_one_once_there_is_a_transaction(self, core: Core, in_zone: InZone) -> None:
        core.time_zone.keep()
        post(core)

        for refused in (in_zone("Asia/Tokyo").time_zone.keep, in_zone("Asia/Tokyo").time_zone.require):
            with pytest.raises(TimeZoneChanged, match=r"PSP_TIME_ZONE is Asia/Tokyo, but .* days of UTC"):
                refused()
        core.time_zone.keep()
        core.time_zone.require()

    def test_lets_an_empty_database_have_another_one(self, core: Core, in_zone: InZone) -> None:
        core.time_zone.keep()

        in_zone("Asia/Tokyo").time_zone.keep()

        in_zone("Asia/Tokyo").time_zone.require()
        with pytest.raises(TimeZoneChanged):
            core.time_zone.require()

    def test_keeps_that_of_the_due_dates_in_an_older_database(self, core: Core, in_zone: InZone) -> None:
        post(core)  # due at 12:00 UTC, which is the next day in Auckland

        with pytest.raises(TimeZoneChanged, match="days of another time zone"):
            in_zone("Pacific/Auckland").time_zone.keep()
        core.time_zone.keep()

    def test_requires_nothing_of_a_database_that_keeps_none(self, core: Core) -> None:
        core.time_zone.require()

    def test_refuses_one_that_the_database_does_not_know(self, core: Core, in_zone: InZone) -> None:
        # zoneinfo takes a folder's name as it is written; Postgres has another set of them.
        with pytest.raises(TimeZoneChanged, match="does not know"):
            in_zone("localtime").time_zone.keep()
