from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from psp_core.domain.kernel.calendar import BankCalendar, due_date

SAO_PAULO = ZoneInfo("America/Sao_Paulo")


class TestDueDate:
    def test_is_the_day_in_the_platforms_zone(self) -> None:
        just_after_midnight = datetime(2026, 3, 10, 1, 30, tzinfo=UTC)

        assert due_date(just_after_midnight, ZoneInfo("UTC")) == date(2026, 3, 10)
        assert due_date(just_after_midnight, SAO_PAULO) == date(2026, 3, 9)

    def test_refuses_an_instant_without_a_zone(self) -> None:
        with pytest.raises(ValueError, match="time zone"):
            due_date(datetime(2026, 3, 10), SAO_PAULO)


class TestBrazil:
    @pytest.mark.parametrize(
        "day",
        [
            date(2026, 2, 16),  # Carnival's Monday
            date(2026, 2, 17),  # Carnival's Tuesday
            date(2026, 6, 4),  # Corpus Christi
            date(2026, 9, 7),  # Independence
            date(2026, 11, 20),  # Zumbi and Black Awareness, national since 2024
            date(2026, 3, 14),  # a Saturday
        ],
    )
    def test_is_closed_on_bank_holidays_and_weekends(self, day: date) -> None:
        assert not BankCalendar.BRAZIL.is_open(day)

    @pytest.mark.parametrize("day", [date(2026, 2, 18), date(2026, 12, 24), date(2026, 12, 31), date(2026, 10, 28)])
    def test_is_open_on_days_that_are_only_optional(self, day: date) -> None:
        assert BankCalendar.BRAZIL.is_open(day)

    def test_rolls_forward_over_carnival_and_keeps_the_time(self) -> None:
        saturday = datetime(2026, 2, 14, 9, 30, tzinfo=UTC)

        rolled = BankCalendar.BRAZIL.roll_forward(saturday, zone=ZoneInfo("UTC"))

        assert rolled == datetime(2026, 2, 18, 9, 30, tzinfo=UTC)

    def test_rolls_the_day_of_the_zone_and_not_the_utc_date(self) -> None:
        sunday_evening = datetime(2026, 3, 16, 1, 30, tzinfo=UTC)

        assert BankCalendar.BRAZIL.roll_forward(sunday_evening, zone=ZoneInfo("UTC")) == sunday_evening
        assert BankCalendar.BRAZIL.roll_forward(sunday_evening, zone=SAO_PAULO) == datetime(
            2026, 3, 17, 1, 30, tzinfo=UTC
        )

    def test_stays_on_the_open_day_where_the_zone_skips_the_time(self) -> None:
        havana = ZoneInfo("America/Havana")
        saturday_past_midnight = datetime(2026, 3, 7, 0, 30, tzinfo=havana)
        day = date(2026, 3, 8)  # a Sunday, which begins at one o'clock there

        skipped = datetime.combine(day, saturday_past_midnight.time(), havana).astimezone(UTC)

        assert due_date(skipped, havana) == day
        assert due_date(BankCalendar.BRAZIL.roll_forward(skipped, zone=havana), havana) == date(2026, 3, 9)
