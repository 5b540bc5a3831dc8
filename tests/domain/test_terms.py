from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from psp_core.domain.kernel.calendar import BankCalendar, OpenDays, start_of
from psp_core.domain.kernel.closing import MIDNIGHT, ClosingTime
from psp_core.domain.kernel.money import Currency, Money, Rounding
from psp_core.domain.pricing.prices import ReadyTerms
from psp_core.domain.pricing.terms import Fee, PaidFrom, Roll, Schedule, Unit
from tests.builders import a_rule

BRAZIL = OpenDays(BankCalendar.BRAZIL)
EVERY_DAY = OpenDays(BankCalendar.EVERY_DAY)
ZONES = ["UTC", "America/Sao_Paulo", "Asia/Tokyo", "Europe/Lisbon", "America/Havana", "Pacific/Apia"]


def a_schedule(
    delay: int,
    unit: Unit = Unit.DAYS,
    *,
    step: int = 30,
    step_unit: Unit = Unit.DAYS,
    brazil: bool = False,
    **more: Any,
) -> Schedule:
    calendar = BankCalendar.BRAZIL if brazil else BankCalendar.EVERY_DAY
    return Schedule(delay, unit, step, step_unit, calendar, Roll.FOLLOWING if brazil else Roll.NONE, **more)


def due_dates(schedule: Schedule, day: date, installments: int, open_days: OpenDays = EVERY_DAY) -> list[date]:
    return [schedule.due_on(day, number, open_days) for number in range(1, installments + 1)]


class TestAFee:
    @pytest.mark.parametrize(
        ("fee", "amount", "expected"),
        [
            (Fee(349, fixed=39), 10_000, 388),
            (Fee(100, least=50), 1_000, 50),
            (Fee(100, least=50), 10_000, 100),
            (Fee(500, greatest=300), 10_000, 300),
            (Fee(0, fixed=40), 30, 30),  # never more than the amount
            (Fee(150, fixed=10, least=25, greatest=60), 1_000, 25),
            (Fee(250, rounding=Rounding.HALF_UP), 1_020, 26),  # 25.5
            (Fee(250, rounding=Rounding.HALF_EVEN), 1_020, 26),
            (Fee(250, rounding=Rounding.HALF_EVEN), 980, 24),  # 24.5
            (Fee(250, rounding=Rounding.DOWN), 1_020, 25),
        ],
    )
    def test_is_a_share_and_a_fixed_part_within_bounds(self, fee: Fee, amount: int, expected: int) -> None:
        assert fee.of(Money(amount, Currency.BRL)).minor == expected

    @pytest.mark.parametrize(
        "wrong", [{"bps": -1}, {"bps": 10_001}, {"fixed": -1}, {"least": 5, "greatest": 4}, {"greatest": -1}]
    )
    def test_refuses_what_none_can_be(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="fee"):
            replace(Fee(1), **wrong)


class TestASchedule:
    def test_counts_calendar_days_from_the_capture_day(self) -> None:
        assert due_dates(a_schedule(30), date(2026, 1, 31), 3) == [
            date(2026, 3, 2),
            date(2026, 4, 1),
            date(2026, 5, 1),
        ]

    def test_rolls_each_date_and_never_adds_a_roll_to_the_next(self) -> None:
        # 14 February 2026 is a Saturday before Carnival, 16 March is no Saturday.
        dates = due_dates(a_schedule(30, brazil=True), date(2026, 1, 15), 2, BRAZIL)

        assert dates == [date(2026, 2, 18), date(2026, 3, 16)]

    def test_counts_business_days(self) -> None:
        friday = date(2026, 2, 13)

        assert due_dates(a_schedule(2, Unit.BUSINESS_DAYS, brazil=True), friday, 1, BRAZIL) == [date(2026, 2, 19)]

    def test_counts_months_from_the_capture_day_and_clamps_them(self) -> None:
        schedule = a_schedule(1, Unit.MONTHS, step=1, step_unit=Unit.MONTHS)

        assert due_dates(schedule, date(2026, 1, 31), 4) == [
            date(2026, 2, 28),
            date(2026, 3, 31),
            date(2026, 4, 30),
            date(2026, 5, 31),
        ]

    def test_counts_days_after_months(self) -> None:
        schedule = a_schedule(2, step=1, step_unit=Unit.MONTHS)

        assert due_dates(schedule, date(2026, 1, 31), 2) == [date(2026, 2, 2), date(2026, 3, 2)]

    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            ({"delay": 366}, "365 days"),
            ({"delay": 25, "delay_unit": Unit.MONTHS}, "24 months"),
            ({"step_unit": Unit.BUSINESS_DAYS}, "days or months"),
            ({"roll": Roll.FOLLOWING}, "roll"),
            ({"calendar": BankCalendar.BRAZIL}, "roll"),
            ({"paid_from": PaidFrom.CAPTURE, "closes_at": ClosingTime.parse("22:00")}, "midnight"),
        ],
    )
    def test_refuses_what_cannot_be_meant(self, wrong: dict[str, Any], why: str) -> None:
        with pytest.raises(ValueError, match=why):
            replace(a_schedule(30), **wrong)

    @pytest.mark.parametrize(
        "schedule",
        [
            a_schedule(30, brazil=True, zone="plan"),
            a_schedule(2, Unit.BUSINESS_DAYS, brazil=True, zone="plan", closes_at=ClosingTime.parse("22:00")),
            a_schedule(
                1,
                Unit.MONTHS,
                step=1,
                step_unit=Unit.MONTHS,
                brazil=True,
                zone="plan",
                closes_at=ClosingTime.parse("03:00+1"),
            ),
            a_schedule(30, brazil=True, paid_from=PaidFrom.CAPTURE, zone="plan"),
        ],
        ids=["30 days", "2 business days", "a month", "30 days from the capture"],
    )
    @pytest.mark.parametrize("name", ZONES)
    def test_is_never_due_on_a_closed_day_of_the_plan(self, name: str, schedule: Schedule) -> None:
        zone = ZoneInfo(name)
        platform = ZoneInfo("America/Sao_Paulo")
        rule = a_rule(schedule=replace(schedule, zone=name), begins_at=datetime(2020, 1, 1, tzinfo=UTC))
        terms = ReadyTerms(rule, open_days=BRAZIL, zone=platform)
        hours = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in range(4 * 365 * 24)]

        due = [terms.due(hour, 2) for hour in hours]

        assert [found for pair in due for found in pair if not BankCalendar.BRAZIL.is_open(found.due_on)] == []
        assert all(one[0].due_on <= next[0].due_on for one, next in pairwise(due))
        assert all(first.due_on <= second.due_on for first, second in due)
        assert all(found.payment_at.astimezone(zone).date() == found.due_on for pair in due for found in pair)


class TestReadyTerms:
    def test_pay_from_the_start_of_the_due_date_in_the_plans_zone(self) -> None:
        rule = a_rule(schedule=a_schedule(1, zone="America/Havana"))
        terms = ReadyTerms(rule, open_days=EVERY_DAY, zone=ZoneInfo("UTC"))

        [due] = terms.due(datetime(2026, 3, 7, 12, tzinfo=UTC), 1)

        assert due.due_on == date(2026, 3, 8)
        assert due.payment_at == start_of(date(2026, 3, 8), ZoneInfo("America/Havana"))

    def test_count_what_comes_at_closing_to_the_next_day(self) -> None:
        rule = a_rule(schedule=a_schedule(1, zone="America/Sao_Paulo", closes_at=ClosingTime.parse("22:00")))
        terms = ReadyTerms(rule, open_days=EVERY_DAY, zone=ZoneInfo("UTC"))
        closing = datetime(2026, 3, 11, 1, tzinfo=UTC)

        assert terms.due(closing - timedelta(microseconds=1), 1)[0].due_on == date(2026, 3, 11)
        assert terms.due(closing, 1)[0].due_on == date(2026, 3, 12)

    def test_are_those_of_the_platforms_zone_where_the_plan_names_none(self) -> None:
        at = datetime(2026, 3, 10, 1, 30, tzinfo=UTC)

        days = [
            ReadyTerms(a_rule(schedule=a_schedule(1)), open_days=EVERY_DAY, zone=ZoneInfo(name)).due(at, 1)[0].due_on
            for name in ("UTC", "America/Sao_Paulo")
        ]

        assert days == [date(2026, 3, 11), date(2026, 3, 10)]

    def test_leave_out_a_day_that_was_closed_in_an_emergency(self) -> None:
        rule = a_rule(schedule=a_schedule(1, brazil=True))
        closed = OpenDays(BankCalendar.BRAZIL, frozenset({date(2026, 3, 11)}))

        [due] = ReadyTerms(rule, open_days=closed, zone=ZoneInfo("UTC")).due(datetime(2026, 3, 10, tzinfo=UTC), 1)

        assert due.due_on == date(2026, 3, 12)

    def test_close_at_midnight_unless_they_say_otherwise(self) -> None:
        assert a_schedule(1).closes_at == MIDNIGHT
