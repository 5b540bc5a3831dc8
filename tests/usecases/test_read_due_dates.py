"""Lists by due date: in every time zone the same payables as their due dates say, though an instant's index is used."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from psp_core.bootstrap import Core
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import PayableFilter
from tests.builders import SettableClock, a_new_transaction, a_submission

_HOURS = 24
_ONE_DAY = timedelta(days=1)


class TestAFilterByDueDate:
    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "America/Sao_Paulo", "Asia/Kathmandu", "UTC"])
    def test_finds_what_is_due_on_that_day_in_the_platforms_zone(
        self, core: Core, clock: SettableClock, zone: str
    ) -> None:
        here = replace(core, settings=core.settings.model_copy(update={"time_zone": zone}))
        for _ in range(2 * _HOURS):
            here.accept_transactions([a_submission(a_new_transaction(customer_id="a"))])
            clock.advance(minutes=60)
        here.keep_relaying().run_until_empty()
        here.drain_queue()

        def found(**bounds: object) -> list[object]:
            where = replace(PayableFilter(), **bounds)  # type: ignore[arg-type]
            return [row.id for row in here.read_merchant.payables("a", where=where, page=Page(limit=200))]

        everything = here.read_merchant.payables("a", where=PayableFilter(), page=Page(limit=200))
        days = {row.due_on for row in everything}
        assert len(everything) == 2 * _HOURS
        assert len(days) in (2, 3)
        for day in {*days, min(days) - _ONE_DAY, max(days) + _ONE_DAY}:
            assert found(due_on=day) == [row.id for row in everything if row.due_on == day]
            assert found(due_from=day) == [row.id for row in everything if row.due_on >= day]
            assert found(due_before=day) == [row.id for row in everything if row.due_on < day]
