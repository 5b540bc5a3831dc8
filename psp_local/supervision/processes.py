"""Start processes that end with their owner, recognise them later, and end them with all their descendants."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

_POLL_S = 0.02


def spawn_tied(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    folder: Path,
    log_file: Path,
    death_signal: signal.Signals,
    user: str | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, appending its output to `log_file`.

    It receives `death_signal` when the calling *thread* ends, however it ends, so call this from a thread that
    lives as long as the process should. With `user` it runs as that user, in that one's group only.
    """
    with log_file.open("ab") as log:
        return subprocess.Popen(
            # Replaces itself by the command, so the pid stays the same; after the change of user, which undoes it.
            ["setpriv", "--pdeathsig", death_signal.name, *map(str, command)],  # noqa: S607
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
        )


def wait_until(condition: Callable[[], bool], *, timeout_s: float) -> bool:
    """Return whether the condition came true within the time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def in_session(session: int) -> list[psutil.Process]:
    """Return the live members of a session: whatever its leader started, and that did not open one of its own."""
    found = []
    for process in psutil.process_iter():
        with suppress(OSError, psutil.Error):
            if os.getsid(process.pid) == session and is_alive(process):
                found.append(process)
    return found


def is_alive(process: psutil.Process) -> bool:
    """Tell whether it is still this process, and has not ended."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


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
