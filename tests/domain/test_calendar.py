from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from psp_core.domain.kernel.calendar import BankCalendar, OpenDays, due_date, months_after, start_of

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

        rolled = OpenDays(BankCalendar.BRAZIL).roll_forward(saturday, zone=ZoneInfo("UTC"))

        assert rolled == datetime(2026, 2, 18, 9, 30, tzinfo=UTC)

    def test_rolls_the_day_of_the_zone_and_not_the_utc_date(self) -> None:
        sunday_evening = datetime(2026, 3, 16, 1, 30, tzinfo=UTC)

        assert OpenDays(BankCalendar.BRAZIL).roll_forward(sunday_evening, zone=ZoneInfo("UTC")) == sunday_evening
        assert OpenDays(BankCalendar.BRAZIL).roll_forward(sunday_evening, zone=SAO_PAULO) == datetime(
            2026, 3, 17, 1, 30, tzinfo=UTC
        )

    def test_stays_on_the_open_day_where_the_zone_skips_the_time(self) -> None:
        havana = ZoneInfo("America/Havana")
        saturday_past_midnight = datetime(2026, 3, 7, 0, 30, tzinfo=havana)
        day = date(2026, 3, 8)  # a Sunday, which begins at one o'clock there

        skipped = datetime.combine(day, saturday_past_midnight.time(), havana).astimezone(UTC)

        assert due_date(skipped, havana) == day
        assert due_date(OpenDays(BankCalendar.BRAZIL).roll_forward(skipped, zone=havana), havana) == date(2026, 3, 9)


class TestOpenDays:
    def test_are_fewer_after_an_emergency(self) -> None:
        days = OpenDays(BankCalendar.BRAZIL, frozenset({date(2026, 3, 16)}))

        assert days.following(date(2026, 3, 14)) == date(2026, 3, 17)
        assert OpenDays(BankCalendar.BRAZIL).following(date(2026, 3, 14)) == date(2026, 3, 16)

    def test_are_counted_without_the_closed_ones(self) -> None:
        days = OpenDays(BankCalendar.BRAZIL)
        friday_before_carnival = date(2026, 2, 13)

        assert days.after(friday_before_carnival, 1) == date(2026, 2, 18)
        assert days.after(date(2026, 2, 14), 2) == date(2026, 2, 19)
        assert days.after(date(2026, 2, 14), 0) == date(2026, 2, 14)


class TestMonthsAfter:
    @pytest.mark.parametrize(
        ("day", "months", "later"),
        [
            (date(2026, 1, 31), 1, date(2026, 2, 28)),
            (date(2026, 1, 31), 2, date(2026, 3, 31)),
            (date(2024, 1, 31), 1, date(2024, 2, 29)),
            (date(2025, 12, 15), 1, date(2026, 1, 15)),
            (date(2025, 11, 30), 24, date(2027, 11, 30)),
            (date(2026, 5, 31), 0, date(2026, 5, 31)),
        ],
    )
    def test_stay_in_the_month(self, day: date, months: int, later: date) -> None:
        assert months_after(day, months) == later

    def test_do_not_drift(self) -> None:
        ends = [months_after(date(2026, 1, 31), count).day for count in range(6)]

        assert ends == [31, 28, 31, 30, 31, 30]


class TestStartOf:
    @pytest.mark.parametrize(
        ("day", "zone", "first"),
        [
            (date(2026, 3, 10), "America/Sao_Paulo", datetime(2026, 3, 10, 3, tzinfo=UTC)),
            # There, clocks go from midnight to one o'clock.
            (date(2026, 3, 8), "America/Havana", datetime(2026, 3, 8, 5, tzinfo=UTC)),
            # There, midnight comes twice.
            (date(2026, 11, 1), "America/Havana", datetime(2026, 11, 1, 4, tzinfo=UTC)),
        ],
    )
    def test_is_the_first_instant(self, day: date, zone: str, first: datetime) -> None:
        assert start_of(day, ZoneInfo(zone)) == first


class TestTheGoldenFile:
    """A new release of the package `holidays` must not move a due date without anybody's having read so."""

    @pytest.mark.parametrize("year", range(2024, 2033))
    def test_pins_each_closed_weekday_of_brazil(self, year: int) -> None:
        lines = Path(__file__).with_name("brazil_2024_2032.txt").read_text(encoding="utf-8").splitlines()
        pinned = [date.fromisoformat(line[:10]) for line in lines if line.startswith(str(year))]
        weekdays = [day for day in map(date(year, 1, 1).__add__, map(timedelta, range(366))) if day.weekday() < 5]

        closed = [day for day in weekdays if day.year == year and not BankCalendar.BRAZIL.is_open(day)]

        assert closed == pinned

    def test_leaves_the_last_working_days_of_the_year_open(self) -> None:
        last = [date(year, 12, day) for year in range(2024, 2033) for day in (24, 31)]

        assert all(BankCalendar.BRAZIL.is_open(day) for day in last if day.weekday() < 5)
