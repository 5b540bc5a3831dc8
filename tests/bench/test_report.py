from __future__ import annotations

from pathlib import Path

from bench.report import table, write_report
from bench.results import Curve, HopResult, Row
from bench.scale import put_trial


def a_result(*rows: Row, commit: str = "abc", name: str = "drain") -> HopResult:
    curve = Curve(name, "Drain", "size", "rate", {"drain run": {10: [1.0, 2.0], 20: [3.0]}})
    return HopResult(name, name.title(), "It is measured.", [*rows], [curve], circumstances={"commit": commit})


class TestTheReport:
    def test_has_ratio_and_spread_of_each_row(self) -> None:
        row = Row("queue to payables", "payables/s", [5_000, 6_000, 9_000], [20_000, 20_000, 20_000], at_least=0.25)

        [_, _, line] = table([a_result(row)])

        assert line == (
            "| queue to payables | 6,000 payables/s | 20,000 payables/s | 0.3 (0.25 to 0.45) | at least 0.25 | met |"
        )

    def test_names_every_missed_target_and_draws_every_curve(self, tmp_path: Path) -> None:
        slow = Row("queue to payables", "payables/s", [2_000], [20_000], at_least=0.25)

        write_report([a_result(slow)], file=tmp_path / "benchmarks.md", images=tmp_path / "images")

        text = (tmp_path / "benchmarks.md").read_text()
        assert "- queue to payables: 0.1 (0.1 to 0.1), where at least 0.25 is asked for" in text
        assert "![Drain](images/bench-drain.png)" in text
        assert (tmp_path / "images" / "bench-drain.png").read_bytes().startswith(b"\x89PNG")

    def test_names_what_was_not_measured(self, tmp_path: Path) -> None:
        write_report([a_result()], file=tmp_path / "benchmarks.md", images=tmp_path, missing=["settlement", "lists"])

        assert "**Not measured yet**: settlement, lists." in (tmp_path / "benchmarks.md").read_text()

    def test_says_so_when_hops_are_of_different_commits(self, tmp_path: Path) -> None:
        results = [a_result(commit="abc"), a_result(commit="def", name="settlement")]

        write_report(results, file=tmp_path / "benchmarks.md", images=tmp_path)

        assert "| commit | Drain: abc<br>Settlement: def |" in (tmp_path / "benchmarks.md").read_text()


class TestTheTrialInTheDocs:
    def test_replaces_the_last_one_and_nothing_else(self, tmp_path: Path) -> None:
        file = tmp_path / "scaling.md"
        file.write_text("before\n<!-- trial: python -m bench scale -->\nold\n<!-- end of trial -->\nafter\n")

        put_trial(file, ["new"], what="scale")
        put_trial(file, ["newer"], what="scale")

        text = file.read_text()
        assert text.startswith("before\n")
        assert text.endswith("\nafter\n")
        assert "newer" in text
        assert "old" not in text
