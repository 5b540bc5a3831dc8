"""Waiting for what another process or thread does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], *, within_s: float, what: str) -> T:
    """Return the condition's first true value; fails when there is none in time."""
    begun = time.monotonic()
    while True:
        if value := condition():
            return value
        waited_s = time.monotonic() - begun
        assert waited_s < within_s, f"not within {within_s} s: {what}"
        # To ask costs those who are asked the time that they need: a long wait asks less often.
        time.sleep(min(max(0.1, waited_s / 20), 0.5))
