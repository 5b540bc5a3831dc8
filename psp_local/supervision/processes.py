"""Recognise processes, and end them with all their descendants."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

_PAUSE_MIN_S, _PAUSE_MAX_S = 0.02, 0.25


def wait_until(condition: Callable[[], bool], *, timeout_s: float) -> bool:
    """Return whether the condition came true within the time."""
    begun = time.monotonic()
    while not condition():
        waited_s = time.monotonic() - begun
        if waited_s > timeout_s:
            return False
        # Whoever is asked is often busy starting: asking less and less often leaves it the processor.
        time.sleep(min(max(_PAUSE_MIN_S, waited_s / 20), _PAUSE_MAX_S))
    return True


def working_in(folder: Path) -> list[psutil.Process]:
    """Return the live processes whose working directory is `folder`: a Postgres and its backends stay in theirs."""
    return [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] == str(folder)]


def marked(marker: str) -> list[psutil.Process]:
    """Return the live processes that inherited `marker`, a `NAME=value` pair, in their first environment."""
    name, _, value = marker.partition("=")
    return [one for one in psutil.process_iter(["environ"]) if (one.info["environ"] or {}).get(name) == value]


def end_all(find: Callable[[], list[psutil.Process]], *, patience_s: float) -> list[psutil.Process]:
    """End what `find` returns: SIGTERM once each, SIGKILL after `patience_s`. Returns those that are still there."""
    asked: set[psutil.Process] = set()

    def all_gone(*, by_force: bool) -> bool:
        alive = find()
        for process in alive:
            # One that ended meanwhile is not sent the signal, even if its pid is somebody else's by now.
            with suppress(psutil.NoSuchProcess):
                if by_force:
                    process.kill()
                elif process not in asked:
                    process.terminate()
        asked.update(alive)
        return not alive

    if not wait_until(lambda: all_gone(by_force=False), timeout_s=patience_s):
        wait_until(lambda: all_gone(by_force=True), timeout_s=5)
    return find()
