"""`make demo` on the running platform: what it prints is what a stranger sees of us first."""

from __future__ import annotations

import re

import pytest

from tests.e2e.platform import RunningPlatform

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]


class TestTheDemonstration:
    def test_settles_a_day_and_agrees_with_what_was_posted(self, platform: RunningPlatform) -> None:
        said = platform.psp("demo", "--transactions", "200", "--day-seconds", "5")

        assert "200 transactions accepted" in said
        assert len(re.findall(r"✓ \d{4}-\d\d-\d\d .* paid ", said)) >= 2
        shown = [
            re.findall(r"\d[\d,]*\.\d\d", line)[1] for line in said.splitlines() if " gross " in line and "✓" in line
        ]
        together = next(line for line in said.splitlines() if "together" in line)
        count, gross, fees, paid, waiting = re.findall(r"[\d,]+(?:\.\d\d)?", together)
        assert count == "200"
        assert _cents(gross) == _cents(fees) + _cents(paid) + _cents(waiting)
        assert sum(map(_cents, shown)) == _cents(paid)
        assert "agree with what was posted, to the cent" in said
        assert "the books balance" in said


def _cents(amount: str) -> int:
    return int(amount.replace(",", "").replace(".", ""))
