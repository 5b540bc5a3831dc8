"""Start processes that end with their owner, recognise them later, and end them with all their descendants."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_TIED = Path(__file__).with_name("tied.py")
_POLL_S = 0.02
_START_TIME_FIELD = 19
_STATE_FIELD = 0
_PARENT_FIELD = 1
_SESSION_FIELD = 3


class Identity(NamedTuple):
    """A process for ever: pids come back, a pid together with its start time does not."""

    pid: int
    started_at_ticks: int


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
    lives as long as the process should.
    """
    prefix = [sys.executable, "-I", "-S", str(_TIED), str(os.getpid()), str(int(death_signal)), user or "-"]
    with log_file.open("ab") as log:
        return subprocess.Popen(
            [*prefix, *map(str, command)],
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_until(condition: Callable[[], bool], *, timeout_s: float) -> bool:
    """Return whether the condition came true within the time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def identity(pid: int) -> Identity | None:
    """Return who the pid is now; `None` when there is no such process, or only its zombie."""
    fields = _stat(pid)
    if fields is None or fields[_STATE_FIELD] in "ZX":
        return None
    return Identity(pid, int(fields[_START_TIME_FIELD]))


def parent_of(pid: int) -> int | None:
    """Return the parent of a process, also of a zombie."""
    fields = _stat(pid)
    return None if fields is None else int(fields[_PARENT_FIELD])


def all_pids() -> list[int]:
    """Return every pid that this process can see."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def in_session(session: int) -> list[Identity]:
    """Return the live members of a session: whatever its leader started, and that did not open one of its own."""
    found = (identity(pid) for pid in all_pids() if _session_of(pid) == session)
    return [one for one in found if one is not None]


def working_in(folder: Path) -> list[Identity]:
    """Return the live processes whose working directory is `folder`: a Postgres and its backends stay in theirs."""
    found = (identity(pid) for pid in all_pids() if _link(pid, "cwd") == str(folder))
    return [one for one in found if one is not None]


def marked(marker: str) -> list[Identity]:
    """Return the live processes that inherited `marker`, a `NAME=value` pair, in their first environment."""
    wanted = marker.encode()
    found = (identity(pid) for pid in all_pids() if wanted in _environment(pid))
    return [one for one in found if one is not None]


def send(target: Identity, number: signal.Signals) -> None:
    """Send a signal, unless the process is gone and its pid perhaps somebody else's."""
    if identity(target.pid) == target:
        with contextlib.suppress(ProcessLookupError):
            os.kill(target.pid, number)


def end_all(find: Callable[[], Iterable[Identity]], *, patience_s: float) -> list[Identity]:
    """End what `find` returns: SIGTERM once each, SIGKILL after `patience_s`. Returns those that are still there."""
    asked: set[Identity] = set()

    def all_gone() -> bool:
        alive = list(find())
        for target in alive:
            if target not in asked:
                asked.add(target)
                send(target, signal.SIGTERM)
        return not alive

    def all_killed() -> bool:
        alive = list(find())
        for target in alive:
            send(target, signal.SIGKILL)
        return not alive

    if not wait_until(all_gone, timeout_s=patience_s):
        wait_until(all_killed, timeout_s=5)
    return list(find())


def _stat(pid: int) -> list[str] | None:
    try:
        # The name in parentheses may hold spaces and parentheses itself.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def _session_of(pid: int) -> int | None:
    fields = _stat(pid)
    return None if fields is None else int(fields[_SESSION_FIELD])


def _link(pid: int, name: str) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/{name}")
    except OSError:
        return None


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
