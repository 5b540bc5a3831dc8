"""Cost against size, drawn: the median of the rounds as a line, their extremes as a band."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

from bench.results import Curve, spread

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

_INCHES = (7.2, 4.2)
_DPI = 120


def draw(curve: Curve, folder: Path) -> Path:
    """Draw the curve into `folder`, as bench-NAME.png; returns the file."""
    figure, axes = plt.subplots(figsize=_INCHES, dpi=_DPI, layout="constrained")
    for name, points in curve.lines.items():
        sizes = sorted(points)
        found = [spread(points[size]) for size in sizes]
        axes.plot(sizes, [each.median for each in found], marker="o", label=name)
        axes.fill_between(sizes, [each.least for each in found], [each.most for each in found], alpha=0.2)
    axes.set(title=curve.title, xlabel=curve.size_label, ylabel=curve.figure_label)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 10 else f"{value:g}"))
    axes.grid(alpha=0.3)
    axes.legend()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"bench-{curve.name}.png"
    # Without the program's version in it, the same figures are the same file.
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
    return path
