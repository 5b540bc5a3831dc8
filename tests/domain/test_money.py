from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import iso4217
import pytest
from hypothesis import given
from hypothesis import strategies as st

from psp_core.domain.kernel.money import AMOUNT_MINOR_MAX, Currency, Money, Rounding, in_major_units, written

amounts = st.integers(0, AMOUNT_MINOR_MAX)


class TestMoney:
    @given(amounts, st.integers(1, 24))
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

    @pytest.mark.parametrize(
        ("minor", "bps", "down", "half_up", "half_even"),
        [
            (10, 500, 0, 1, 0),  # half a cent
            (30, 500, 1, 2, 2),  # one and a half
            (50, 500, 2, 3, 2),  # two and a half
            (10_000, 167, 167, 167, 167),
            (99, 333, 3, 3, 3),  # 3.2967
            (11, 500, 0, 1, 1),  # 0.55
        ],
    )
    def test_share_is_rounded_as_the_plan_says(
        self, minor: int, bps: int, down: int, half_up: int, half_even: int
    ) -> None:
        amount = Money(minor, Currency.BRL)

        assert [amount.share(bps, rounding).minor for rounding in Rounding] == [down, half_up, half_even]

    @given(amounts, st.integers(0, 10_000), st.sampled_from(Rounding))
    def test_share_agrees_with_exact_decimals(self, minor: int, bps: int, rounding: Rounding) -> None:
        exact = Decimal(minor * bps).scaleb(-4)
        mode = {Rounding.DOWN: ROUND_DOWN, Rounding.HALF_UP: ROUND_HALF_UP, Rounding.HALF_EVEN: ROUND_HALF_EVEN}

        assert Money(minor, Currency.BRL).share(bps, rounding).minor == exact.quantize(Decimal(1), mode[rounding])

    @given(amounts, st.integers(0, 10_000))
    def test_share_is_less_than_a_cent_below_the_exact_one(self, minor: int, bps: int) -> None:
        share = Money(minor, Currency.BRL).share(bps).minor

        assert share * 10_000 <= minor * bps < (share + 1) * 10_000

    def test_subtraction_refuses_another_currency(self) -> None:
        with pytest.raises(ValueError, match="cannot subtract"):
            Money(1, Currency.BRL) - Money(1, Currency.USD)


class TestWritten:
    @pytest.mark.parametrize(
        ("minor", "currency", "text"),
        [
            (0, Currency.BRL, "0.00"),
            (5, Currency.BRL, "0.05"),
            (123_456, Currency.BRL, "1,234.56"),
            (10**14, Currency.USD, "1,000,000,000,000.00"),
            (-5, Currency.EUR, "-0.05"),
            (123_456, Currency.JPY, "123,456"),
            (10**12, Currency.JPY, "1,000,000,000,000"),
            (123_456, Currency.BHD, "123.456"),
            (5, Currency.KWD, "0.005"),
        ],
    )
    def test_has_the_currencys_decimal_places_and_loses_no_cent(
        self, minor: int, currency: Currency, text: str
    ) -> None:
        assert written(minor, currency) == text
        assert in_major_units(minor, currency) * 10**currency.decimal_places == minor


class TestCurrency:
    @pytest.mark.parametrize("currency", Currency)
    def test_has_the_decimal_places_of_the_standard(self, currency: Currency) -> None:
        assert currency.decimal_places == iso4217.Currency(currency.value).exponent

    def test_is_any_that_people_are_paid_in(self) -> None:
        units = {"BOV", "CHE", "CHW", "CLF", "COU", "MXV", "USN", "UYI", "UYW", "XAD"}

        assert {each.code for each in iso4217.Currency if each.exponent is not None} - units == set(Currency)
