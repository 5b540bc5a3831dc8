from __future__ import annotations

import json

import pytest

from bench.results import Curve, HopResult, Row, Spread, percentile, spread


class TestRow:
    def test_divides_the_rates_of_the_same_round(self) -> None:
        row = Row("intake", "transactions/s", product=[500, 900, 600], baseline=[1_000, 1_000, 2_000], at_least=0.5)

        assert row.figures == [0.5, 0.9, 0.3]
        assert spread(row.figures) == Spread(median=0.5, least=0.3, most=0.9)

    def test_divides_durations_the_other_way_round_so_that_more_is_better(self) -> None:
        row = Row("drain", "s", product=[4.0], baseline=[1.0], is_rate=False)

        assert row.figures == [0.25]

    def test_refuses_rounds_that_only_one_side_has(self) -> None:
        row = Row("intake", "transactions/s", product=[1, 2], baseline=[1])

        with pytest.raises(ValueError, match="zip"):
            _ = row.figures

    @pytest.mark.parametrize(
        ("product", "verdict"),
        [
            ([50, 60, 70], "met"),
            ([40, 60, 70], "met, not in every round"),
            ([40, 49.9, 70], "**missed**"),
        ],
    )
    def test_judges_the_median_and_says_when_a_round_fell_short(self, product: list[float], verdict: str) -> None:
        row = Row("intake", "transactions/s", product=product, baseline=[100, 100, 100], at_least=0.5)

        assert row.verdict == verdict
        assert row.is_missed == (verdict == "**missed**")

    def test_takes_a_limit_as_exclusive(self) -> None:
        assert Row("p99", "ms", product=[100.0], below=100).is_missed
        assert not Row("p99", "ms", product=[99.9], below=100).is_missed

    def test_has_no_verdict_without_a_target(self) -> None:
        assert Row("p50", "ms", product=[100.0]).verdict == ""


class TestPercentile:
    def test_is_the_nearest_rank(self) -> None:
        values = [float(number) for number in range(100, 0, -1)]

        assert (percentile(values, 50), percentile(values, 99), percentile(values, 100)) == (50, 99, 100)
        assert percentile([7.0], 99) == 7

    def test_needs_values(self) -> None:
        with pytest.raises(ValueError, match="needs values"):
            percentile([], 50)


class TestHopResult:
    def test_comes_back_from_json(self) -> None:
        result = HopResult(
            "drain",
            "Drain",
            "somehow",
            rows=[Row("drain", "payables/s", [1.0], [2.0], at_least=0.25)],
            curves=[Curve("drain", "Drain", "size", "rate", {"drain": {10: [1.0, 2.0]}})],
            circumstances={"commit": "abc"},
        )

        assert HopResult.from_json(json.loads(json.dumps(result.to_json()))) == result
