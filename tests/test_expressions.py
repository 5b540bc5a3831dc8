"""No regular expression takes more than linear time, whatever a caller writes.

Each expression of the three packages is tried on texts that it takes nearly all of, with a part of them repeated: that
is what makes one that is not linear go back and try again.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

import psp_api
import psp_core
import psp_pipelines

PACKAGES = (psp_api, psp_core, psp_pipelines)
SHORT, LONGER, LONG = 64, 8 * 1024, 64 * 1024
# Linear is a thousand times, quadratic a million times as long; a busy machine and short times need some room. What
# takes too long for the second is not waited for with the third.
ROOM = 50
EXAMPLE_MAX = 40
_FILLERS = ' \t0aA-./\\":;<%4'
_NEVER = "\x01"
_ONE = settings(phases=[Phase.generate], derandomize=True, database=None, max_examples=20)


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # These run when they are imported.
            if "migrations" not in found.name and not found.name.endswith("gunicorn_conf"):
                yield importlib.import_module(found.name)


def expressions() -> Iterator[Any]:
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                yield pytest.param(value, id=f"{module.__name__}.{name}")


def nearly_matching(pattern: re.Pattern[Any], size: int) -> Iterator[Any]:
    """Yield texts of `size` that begin as a match does, go on and on, and fail in the end."""
    example = _example(pattern)
    for cut in {*range(0, len(example), 3), len(example)}:
        for filler in {*_FILLERS, example[cut - 1 : cut], example[cut : cut + 2], example[:cut]} - {""}:
            text = (example[:cut] + filler * (size // len(filler)))[:size] + _NEVER
            yield text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text


def _example(pattern: re.Pattern[Any]) -> str:
    try:
        found: Any = find(st.from_regex(pattern, fullmatch=True), lambda _: True, settings=_ONE)
    except Unsatisfiable:
        # It looks ahead, at what is not a part of the match.
        found = pattern.pattern
    return (found.decode("latin-1") if isinstance(found, bytes) else str(found))[:EXAMPLE_MAX]


def seconds(pattern: re.Pattern[Any], text: Any, *, times: int) -> float:
    # Of CPU: what else the machine does, does not count.
    best = float("inf")
    for _ in range(times):
        started_s = time.thread_time()
        pattern.fullmatch(text)
        pattern.sub(text[:0], text)
        best = min(best, time.thread_time() - started_s)
    return best


def is_linear(pattern: re.Pattern[Any]) -> bool:
    texts = zip(*(nearly_matching(pattern, size) for size in (SHORT, LONGER, LONG)), strict=True)
    return all(_grows_linearly(pattern, *each) for each in texts)


def _grows_linearly(pattern: re.Pattern[Any], short: Any, *longer: Any) -> bool:
    short_s = seconds(pattern, short, times=9)
    return all(
        any(seconds(pattern, each, times=1) < ROOM * len(each) / len(short) * short_s for _ in range(3))
        for each in longer
    )


class TestARegularExpression:
    @pytest.mark.parametrize("pattern", expressions())
    def test_takes_linear_time_at_most(self, pattern: re.Pattern[Any]) -> None:
        assert is_linear(pattern)

    def test_is_seen_when_it_does_not(self) -> None:
        assert not is_linear(re.compile(r'application/json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?;?\s*'))

    def test_has_a_name_by_which_it_is_found_here(self) -> None:
        in_place = re.compile(r"\bre\.(match|search|fullmatch|sub|subn|split|findall|finditer)\(")
        found = [
            str(path) for package in PACKAGES for path in Path(package.__path__[0]).rglob("*.py")
            if in_place.search(path.read_text())
        ]  # fmt: skip

        assert found == []
