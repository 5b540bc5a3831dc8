from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from psp_core.domain.kernel.closing import BusinessDays, ClosingTime, instant_of

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
HAVANA = ZoneInfo("America/Havana")
APIA = ZoneInfo("Pacific/Apia")
# East and west of Greenwich, with and without summer time, and two whose summer time begins or began at midnight.
ZONES = ["UTC", "America/Sao_Paulo", "Asia/Tokyo", "Europe/Lisbon", "America/Havana", "Pacific/Apia"]


def day_of(instant: datetime, zone: ZoneInfo, closes_at: str) -> date:
    return BusinessDays(zone, ClosingTime.parse(closes_at)).of(instant)


class TestClosingTime:
    @pytest.mark.parametrize("text", ["00:00+1", "22:00", "03:00+1", "23:59"])
    def test_is_written_as_it_is_read(self, text: str) -> None:
        assert str(ClosingTime.parse(text)) == text

    @pytest.mark.parametrize("text", ["24:00", "22", "22:00+2", "2:00", "22:60", "", "22:00+1 ", "٢٢:00"])
    def test_refuses_what_is_none(self, text: str) -> None:
        with pytest.raises(ValueError, match="no closing time"):
            ClosingTime.parse(text)


class TestInstantOf:
    def test_is_the_first_instant_after_a_gap(self) -> None:
        # Lisbon goes from one to two o'clock, at one o'clock UTC.
        assert instant_of(datetime(2026, 3, 29, 1, 30), ZoneInfo("Europe/Lisbon")) == datetime(
            2026, 3, 29, 1, tzinfo=UTC
        )

    def test_is_the_first_of_two(self) -> None:
        assert instant_of(datetime(2026, 10, 25, 1, 30), ZoneInfo("Europe/Lisbon")) == datetime(
            2026, 10, 25, 0, 30, tzinfo=UTC
        )

    def test_is_after_a_day_that_a_zone_left_out(self) -> None:
        assert instant_of(datetime(2011, 12, 30, 12), APIA) == datetime(2011, 12, 30, 10, tzinfo=UTC)


class TestABusinessDay:
    @pytest.mark.parametrize(
        ("closes_at", "hour", "minute", "day"),
        [
            ("00:00+1", 23, 59, 10),
            ("22:00", 21, 59, 10),
            ("22:00", 22, 0, 11),
            ("22:00", 22, 1, 11),
            ("03:00+1", 2, 59, 9),
            ("03:00+1", 3, 0, 10),
        ],
    )
    def test_ends_before_its_closing_instant(self, closes_at: str, hour: int, minute: int, day: int) -> None:
        local = datetime(2026, 3, 10, hour, minute, tzinfo=SAO_PAULO)

        assert day_of(local.astimezone(UTC), SAO_PAULO, closes_at) == date(2026, 3, day)

    def test_gives_the_instant_of_closing_to_the_next(self) -> None:
        midnight = datetime(2026, 3, 11, 3, tzinfo=UTC)

        assert day_of(midnight, SAO_PAULO, "00:00+1") == date(2026, 3, 11)
        assert day_of(midnight - timedelta(microseconds=1), SAO_PAULO, "00:00+1") == date(2026, 3, 10)

    def test_is_closed_once_where_the_hour_comes_twice(self) -> None:
        # In Havana it is half past twelve at 04:30 UTC and again at 05:30 UTC: by the clock, the second is not after.
        first, second = (datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (4, 5))

        assert day_of(first - timedelta(minutes=1), HAVANA, "00:30+1") == date(2026, 10, 31)
        assert day_of(first, HAVANA, "00:30+1") == date(2026, 11, 1)
        assert day_of(second - timedelta(minutes=1), HAVANA, "00:30+1") == date(2026, 11, 1)

    def test_is_closed_at_the_end_of_a_gap(self) -> None:
        first_valid = datetime(2026, 3, 8, 5, tzinfo=UTC)

        assert day_of(first_valid - timedelta(seconds=1), HAVANA, "00:30+1") == date(2026, 3, 7)
        assert day_of(first_valid, HAVANA, "00:30+1") == date(2026, 3, 8)

    def test_is_never_one_that_the_zone_left_out(self) -> None:
        around = [datetime(2011, 12, 28, tzinfo=UTC) + timedelta(hours=hour) for hour in range(96)]

        assert date(2011, 12, 30) not in {day_of(instant, APIA, "00:00+1") for instant in around}

    @pytest.mark.parametrize("closes_at", ["00:00+1", "22:00", "03:00+1", "00:30+1"])
    @pytest.mark.parametrize("name", ZONES)
    def test_never_decreases_and_agrees_with_every_closing_instant(self, name: str, closes_at: str) -> None:
        zone, closes = ZoneInfo(name), ClosingTime.parse(closes_at)
        days = BusinessDays(zone, closes)
        instants = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=30 * count) for count in range(4 * 365 * 48)]

        found = [days.of(instant) for instant in instants]

        assert all(one <= next for one, next in pairwise(found))
        closings = {day: closes.instant(day, zone) for day in set(found)}
        before = {day: closes.instant(day - timedelta(days=1), zone) for day in set(found)}
        assert all(before[day] <= at < closings[day] for day, at in zip(found, instants, strict=True))

    def test_is_the_same_whoever_asked_before(self) -> None:
        days = BusinessDays(SAO_PAULO, ClosingTime.parse("22:00"))
        instants = [datetime(2026, 3, 10, hour, tzinfo=UTC) for hour in (23, 0, 5, 1, 23, 12)]

        assert [days.of(at) for at in instants] == [day_of(at, SAO_PAULO, "22:00") for at in instants]

    def test_refuses_an_instant_without_a_zone(self) -> None:
        with pytest.raises(ValueError, match="time zone"):
            day_of(datetime(2026, 3, 10), SAO_PAULO, "22:00")
