from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psp_core.domain.kernel.money import AMOUNT_MINOR_MAX, Currency, Money, in_major_units, written

amounts = st.integers(0, AMOUNT_MINOR_MAX)


class TestMoney:
    @given(amounts, st.integers(1, 12))
    def test_split_never_creates_or_loses_a_cent(self, minor: int, parts: int) -> None:
        split = Money(minor, Currency.BRL).split(parts)

        assert len(split) == parts
        assert sum(part.minor for part in split) == minor
        assert max(split, key=lambda part: part.minor).minor - min(part.minor for part in split) <= 1
        assert sorted(split, key=lambda part: -part.minor) == split

    @pytest.mark.parametrize(
        ("minor", "bps", "fee"),
        [(2_500, 500, 125), (10, 500, 0), (33, 300, 0), (999, 500, 49), (10**12, 10_000, 10**12)],
    )
    def test_share_is_rounded_down(self, minor: int, bps: int, fee: int) -> None:
        assert Money(minor, Currency.BRL).share(bps).minor == fee

    @given(amounts, st.integers(0, 10_000))
    def test_share_is_less_than_a_cent_below_the_exact_one(self, minor: int, bps: int) -> None:
        share = Money(minor, Currency.BRL).share(bps).minor

        assert share * 10_000 <= minor * bps < (share + 1) * 10_000

    def test_subtraction_refuses_another_currency(self) -> None:
        with pytest.raises(ValueError, match="cannot subtract"):
            Money(1, Currency.BRL) - Money(1, Currency.USD)


class TestWritten:
    @pytest.mark.parametrize(
        ("minor", "text"),
        [(0, "0.00"), (5, "0.05"), (123_456, "1,234.56"), (10**14, "1,000,000,000,000.00"), (-5, "-0.05")],
    )
    def test_has_two_decimal_places_and_loses_no_cent(self, minor: int, text: str) -> None:
        assert written(minor) == text
        assert in_major_units(minor) * 100 == minor
