"""No regular expression takes more than linear time, whatever a caller writes."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from types import ModuleType
from typing import Any

import pytest

import psp_api
import psp_core
import psp_pipelines
from psp_api.problems.refusals import Refusal
from psp_api.wire import headers

SHORT, LONG = 64, 64 * 1024
# The longer text takes a thousand times as long when the time is linear, a million times when it is quadratic.
RATIO_MAX = 100 * LONG / SHORT
_REPEATED = (
    " ",
    "\t",
    "0",
    "a",
    "A",
    '"',
    "\\",
    "-",
    ".",
    "/",
    ";",
    " a",
    "1 ",
    "1-",
    "a.",
    '\\"',
    "0:",
    "a\n",
    "4111 1111 1111 1111",
)
_BEGINNINGS = (
    "",
    '"',
    "application/json",
    "application/json;",
    "application/json; charset=utf-8",
    "Bearer ",
    "2020-07-19T22:26:23.",
    "00-",
    "%B",
)


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Return every compiled expression that a module of ours holds by name."""
    for package in (psp_api, psp_core, psp_pipelines):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # These two run when they are imported.
            if "migrations" not in found.name and not found.name.endswith("gunicorn_conf"):
                yield from _of(importlib.import_module(found.name))


def _of(module: ModuleType) -> Iterator[tuple[str, re.Pattern[Any]]]:
    for name, value in vars(module).items():
        if isinstance(value, re.Pattern):
            yield f"{module.__name__}.{name}", value


def texts(size: int) -> Iterator[str]:
    for beginning, repeated in [*product([""], _REPEATED), *product(_BEGINNINGS, (" ", "0", "a", '\\"'))]:
        yield (beginning + repeated * size)[:size] + "\x01"


def seconds(pattern: re.Pattern[Any], text: str) -> float:
    given: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
    nothing = given[:0]
    return seconds_of(lambda: (pattern.fullmatch(given), pattern.sub(nothing, given)), times=_times(text))


def seconds_of(work: Callable[[], object], *, times: int) -> float:
    """Return the least of some times."""
    best = float("inf")
    for _ in range(times):
        started_s = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started_s)
    return best


def _times(text: str) -> int:
    return 1 if len(text) > LONG else 20


def require_json(text: str) -> None:
    with suppress(Refusal):
        headers.require_json(text)


class TestARegularExpression:
    @pytest.mark.parametrize("pattern", [pytest.param(pattern, id=name) for name, pattern in sorted(patterns())])
    def test_takes_linear_time_at_most(self, pattern: re.Pattern[Any]) -> None:
        for short, long in zip(texts(SHORT), texts(LONG), strict=True):
            assert seconds(pattern, long) < RATIO_MAX * seconds(pattern, short), short


class TestAContentType:
    def test_is_understood_in_linear_time(self) -> None:
        for short, long in zip(texts(SHORT), texts(LONG), strict=True):
            took_s = seconds_of(lambda: require_json(long), times=3)  # noqa: B023
            assert took_s < RATIO_MAX * seconds_of(lambda: require_json(short), times=20), short  # noqa: B023
