"""What a hop measured: figures by round, the ratios of each round, and whether they reach the target. No I/O."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Spread:
    median: float
    least: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    """Return the median with the extremes. Raises ValueError for no values."""
    if not values:
        raise ValueError("nothing was measured")
    return Spread(statistics.median(values), min(values), max(values))


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that `percent` of the values do not exceed (nearest rank)."""
    if not values or not 0 < percent <= 100:
        raise ValueError("a percentile needs values, and a percentage above 0")
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: one figure a round. With a baseline, the target is for the ratio of the two."""

    what: str
    unit: str
    product: list[float]
    baseline: list[float] = field(default_factory=list)
    at_least: float | None = None
    below: float | None = None
    is_rate: bool = True
    """Rates are divided product by baseline; durations the other way round, so that more is always better."""

    @property
    def figures(self) -> list[float]:
        """What the target is for: the ratio of each round, or the product's figures where nothing is compared."""
        if not self.baseline:
            return self.product
        pairs = zip(self.product, self.baseline, strict=True)
        return [mine / bare if self.is_rate else bare / mine for mine, bare in pairs]

    @property
    def verdict(self) -> str:
        """Say whether the median reaches the target, and whether every round did."""
        if self.at_least is None and self.below is None:
            return ""
        found = spread(self.figures)
        if not self._reaches(found.median):
            return "**missed**"
        return "met" if all(map(self._reaches, self.figures)) else "met, not in every round"

    @property
    def is_missed(self) -> bool:
        return self.verdict == "**missed**"

    def _reaches(self, figure: float) -> bool:
        return (self.at_least is None or figure >= self.at_least) and (self.below is None or figure < self.below)


@dataclass(frozen=True, slots=True)
class Curve:
    """Cost against size: for each size the figures of every round, by the name of the line."""

    name: str
    title: str
    size_label: str
    figure_label: str
    lines: dict[str, dict[int, list[float]]]


@dataclass(frozen=True, slots=True)
class HopResult:
    name: str
    title: str
    method: str
    rows: list[Row]
    curves: list[Curve] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    circumstances: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> HopResult:
        rows = [Row(**row) for row in data["rows"]]
        curves = [_curve(curve) for curve in data["curves"]]
        return cls(**{**data, "rows": rows, "curves": curves})


def _curve(data: dict[str, Any]) -> Curve:
    # JSON has no numbers as keys.
    lines = {name: {int(size): figures for size, figures in line.items()} for name, line in data["lines"].items()}
    return Curve(**{**data, "lines": lines})
