from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psp_core.adapters.clock import TimeLapseClock, TimeOrderedIds
from psp_core.domain.intake.cards import passes_luhn
from psp_core.domain.kernel.ids import RANDOM_BITS, first_id_at, uuid7
from tests.builders import NOON


class TestPassesLuhn:
    @pytest.mark.parametrize("digits", ["4111111111111111", "378282246310005", "6011111111111117", "79927398713"])
    def test_accepts_right_check_digits(self, digits: str) -> None:
        assert passes_luhn(digits)

    @given(st.text("0123456789", min_size=12, max_size=19), st.integers(1, 9))
    def test_refuses_any_change_of_one_digit(self, digits: str, change: int) -> None:
        check_digit = next(digit for digit in "0123456789" if passes_luhn(digits + digit))
        middle = len(digits) // 2
        changed = digits[:middle] + str((int(digits[middle]) + change) % 10) + digits[middle + 1 :] + check_digit

        assert not passes_luhn(changed)


class TestUuid7:
    @given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)), st.integers(0, 2**RANDOM_BITS - 1))
    def test_is_a_version_7_that_begins_with_its_time(self, at: datetime, random: int) -> None:
        instant = at.replace(tzinfo=UTC)

        id = uuid7(at=instant, random=random)

        assert (id.version, id.variant) == (7, "specified in RFC 4122")
        assert first_id_at(instant) <= id < first_id_at(instant + timedelta(milliseconds=1))


class TestTimeOrderedIds:
    def test_rise_even_within_a_millisecond(self) -> None:
        ids = TimeOrderedIds()

        made = [id for _ in range(100) for id in ids.new(at=NOON, count=100)]

        assert made == sorted(set(made))
        assert {id.version for id in made} == {7}


class TestTimeLapseClock:
    def test_starts_where_it_is_told_and_runs_ahead(self) -> None:
        clock = TimeLapseClock(NOON, speed=1_000_000)

        first = clock.now()
        while clock.now() == first:
            pass

        assert first >= NOON
        assert clock.now() > first
