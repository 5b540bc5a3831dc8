"""docs/benchmarks.md, written from the results: the table, what misses its target, the curves, how it was done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench.curves import draw
from bench.results import HopResult, Row, Spread, spread

_HEAD = """# Benchmarks

Every hop beside a bare baseline on the same server, in the same run, in interleaved rounds: product and baseline take
turns, and take turns at going first, each after VACUUM ANALYZE and CHECKPOINT. A ratio is that of one round; the table
has the median of the rounds and their extremes. Load generator, API, SQS endpoint and Postgres share the machine's
cores. Postgres is the embedded stack's with its own settings: fsync and synchronous_commit are on.

`make bench` writes this file (it needs `wrk`: on Debian, `apt-get install wrk`); `python -m bench --hop NAME` measures
one hop again, `--quick` only tries the harness. Do not edit it by hand.
"""


def write_report(results: Sequence[HopResult], *, file: Path, images: Path, missing: Sequence[str] = ()) -> None:
    """Write the report and draw the curves into `images`, a folder that the report can link to.

    It names the hops that are `missing`: nobody is to take their silence for success.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = _lines(results, file=file, images=images, missing=missing)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def table(results: Iterable[HopResult]) -> list[str]:
    """Return the lines of the table of ratios."""
    lines = [
        "| hop | product | baseline | ratio or figure: median (min to max) | target | |",
        "| --- | ---: | ---: | ---: | --- | --- |",
    ]
    return lines + [_line(row) for result in results for row in result.rows]


def figure(value: float) -> str:
    """Return a number as the report shows it: three significant digits, or all of a large whole."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _lines(results: Sequence[HopResult], *, file: Path, images: Path, missing: Sequence[str]) -> Iterator[str]:
    yield _HEAD
    yield from table(results)
    if missing:
        yield f"\n**Not measured yet**: {', '.join(missing)}."
    yield "\n## What misses its target\n"
    yield from _missed(results) or ["Nothing."]
    yield "\n## Cost against size\n"
    for result in results:
        for curve in result.curves:
            path = draw(curve, images)
            yield f"![{curve.title}]({path.relative_to(file.parent).as_posix()})\n"
    yield "## How each hop is measured\n"
    for result in results:
        yield f"**{result.title}.** {result.method}\n"
        yield from (f"{note}\n" for note in result.notes)
    yield "## Where\n"
    yield from _machine(results)


def _line(row: Row) -> str:
    baseline = _unit(row, spread(row.baseline)) if row.baseline else ""
    cells = (row.what, _unit(row, spread(row.product)), baseline, _spread(spread(row.figures)), _target(row))
    return f"| {' | '.join(cells)} | {row.verdict} |"


def _missed(results: Iterable[HopResult]) -> list[str]:
    return [
        f"- {row.what}: {_spread(spread(row.figures))}, where {_target(row)} is asked for"
        + (f" ({_unit(row, spread(row.product))} against {_unit(row, spread(row.baseline))})." if row.baseline else ".")
        for result in results
        for row in result.rows
        if row.is_missed
    ]


def _target(row: Row) -> str:
    if row.at_least is not None:
        return f"at least {row.at_least:g}"
    return f"below {row.below:g} {row.unit}" if row.below is not None else ""


def _unit(row: Row, found: Spread) -> str:
    return f"{figure(found.median)} {row.unit}"


def _spread(found: Spread) -> str:
    return f"{figure(found.median)} ({figure(found.least)} to {figure(found.most)})"


def _machine(results: Sequence[HopResult]) -> Iterator[str]:
    """Show what all hops have in common once, and what differs by hop."""
    names = list(dict.fromkeys(name for result in results for name in result.circumstances))
    yield "| | |"
    yield "| --- | --- |"
    for name in names:
        values = {result.title: result.circumstances.get(name, "unknown") for result in results}
        if len(set(values.values())) == 1:
            yield f"| {name} | {next(iter(values.values()))} |"
        else:
            yield f"| {name} | {'<br>'.join(f'{title}: {value}' for title, value in values.items())} |"
