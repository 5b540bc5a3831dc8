"""Keeps programs running until it is asked to stop, and then leaves nothing behind."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType, MappingProxyType, TracebackType
from typing import Self

from psp_local import LocalStackError
from psp_local.supervision.guard import Guard
from psp_local.supervision.lease import Lease
from psp_local.supervision.processes import all_pids, end_all, identity, marked, parent_of
from psp_local.supervision.program import Program

RESTART_DELAY_MIN_S = 0.2
RESTART_DELAY_MAX_S = 5.0
# A program that ran this long was not in a crash loop: its next restart is quick again.
_STEADY_AFTER_S = 30.0
_TICK_S = 0.25
_ONE_SHOT_WITHIN_S = 300
_LEFTOVER_PATIENCE_S = 5
_PR_SET_CHILD_SUBREAPER = 36
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(Exception):
    """Ctrl-C, or a signal to stop, while something was being waited for."""


class Supervisor:
    """Starts programs in stages, restarts the ones that die, stops them in reverse order. Main thread only.

    `kill -9` of it takes everything down as well: the kernel signals its children, its guard the rest.
    """

    def __init__(self, folder: Path, *, say: Callable[[str], None]) -> None:
        """`folder` is locked for this supervisor; `say` gets one line for everything worth telling."""
        self._lease = Lease(folder)
        self._guard = Guard(self._lease)
        self._say = say
        self._stages: list[list[Program]] = []
        self._restarts: dict[Program, _Restarts] = {}
        self._stop_requested = False
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    @property
    def marker(self) -> Mapping[str, str]:
        """What every child needs in its environment, so that it is found again whatever becomes of its parents."""
        name, _, value = self._lease.marker.partition("=")
        return {name: value}

    def __enter__(self) -> Self:
        self._lease.acquire(say=self._say)
        # Orphaned grandchildren become children of this process instead of the machine's first one.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        for number in _STOP_SIGNALS:
            signal.signal(number, self._on_signal)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        # Without a handler the end of a child does not reach the wake-up pipe.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._guard.launch()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, *programs: Program) -> None:
        """Start the programs of one stage together and wait until all are ready.

        Raises `LocalStackError` when one ends or is not ready in time, `StopRequested` on Ctrl-C.
        """
        self._stages.append(list(programs))
        for program in programs:
            self._launch(program)
        for program in programs:
            self._await(program)

    def run(self, program: Program) -> None:
        """Run a command that ends by itself. Raises `LocalStackError` when it fails, `StopRequested` on Ctrl-C."""
        program.launch()
        try:
            self.wait_until(lambda: not program.runs(), timeout_s=_ONE_SHOT_WITHIN_S)
            if program.process is None or program.process.poll() != 0:
                raise LocalStackError(program.failure())
        finally:
            program.stop()

    def watch(self, *, after_restart: Mapping[str, Callable[[], None]] = MappingProxyType({})) -> None:
        """Restart what dies, with growing delays, until a signal asks to stop.

        `after_restart` holds, by the name of a program, what to do once it is back; it is tried again while it
        raises `LocalStackError`.
        """
        while not self._stop_requested:
            self._guard.ensure()
            for program in self._programs():
                self._look_after(program, chore=after_restart.get(program.name))
            self._reap_orphans()
            self._pause()

    def wait_until(self, condition: Callable[[], bool], *, timeout_s: float) -> None:
        """Return once the condition holds or the time is over. Raises `StopRequested` on Ctrl-C."""
        deadline = time.monotonic() + timeout_s
        while not condition() and time.monotonic() < deadline:
            self._pause(longest_s=0.05)
            if self._stop_requested:
                raise StopRequested

    def stop(self) -> None:
        """Stop everything in reverse order and verify that it is gone."""
        for stage in reversed(self._stages):
            self._stop_together(stage)
        self._stages.clear()
        survivors = end_all(lambda: marked(self._lease.marker), patience_s=_LEFTOVER_PATIENCE_S)
        if survivors:
            self._say(f"still there, even after SIGKILL: {', '.join(str(one.pid) for one in survivors)}")
        self._reap_orphans()
        self._guard.stop()
        self._lease.release()

    def _programs(self) -> list[Program]:
        return [program for stage in self._stages for program in stage]

    def _launch(self, program: Program) -> None:
        self._restarts.setdefault(program, _Restarts()).launched()
        program.launch()

    def _await(self, program: Program) -> None:
        self.wait_until(lambda: program.is_ready() or not program.runs(), timeout_s=program.ready_within_s)
        if not program.is_ready():
            raise LocalStackError(program.failure())

    def _look_after(self, program: Program, *, chore: Callable[[], None] | None) -> None:
        restarts = self._restarts[program]
        if program.runs():
            if not restarts.is_ready and program.is_ready():
                restarts.is_ready = self._welcome_back(program, chore=chore)
            return
        if restarts.due_at_s is None:
            delay_s = restarts.plan()
            self._say(f"{program.failure()}; starting it again in {delay_s:.1f} s")
            # What its death left of its children holds ports and database locks.
            program.stop()
        elif time.monotonic() >= restarts.due_at_s:
            self._relaunch(program)

    def _welcome_back(self, program: Program, *, chore: Callable[[], None] | None) -> bool:
        try:
            if chore is not None:
                chore()
        except LocalStackError:
            return False
        self._say(f"{program.name} is back")
        return True

    def _relaunch(self, program: Program) -> None:
        try:
            self._launch(program)
            self._restarts[program].is_ready = False
        except LocalStackError as error:
            self._say(f"{error} Trying again in {self._restarts[program].plan():.1f} s")

    def _stop_together(self, programs: Sequence[Program]) -> None:
        for program in programs:
            program.ask_to_stop()
        for program in programs:
            program.wait_or_kill()

    def _pause(self, *, longest_s: float = _TICK_S) -> None:
        """Wait for a signal (a child's end is one), but not long."""
        if select.select([self._wake_read], [], [], longest_s)[0]:
            os.read(self._wake_read, 4096)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if not self._stop_requested:
            self._say(f"{signal.Signals(number).name}: stopping, this takes some seconds")
        self._stop_requested = True

    def _reap_orphans(self) -> None:
        own = {program.process.pid for program in self._programs() if program.process is not None}
        if self._guard.process is not None:
            own.add(self._guard.process.pid)
        for pid in all_pids():
            # A dead one is a zombie until its parent, which this process has become, asks how it ended.
            if parent_of(pid) == os.getpid() and pid not in own and identity(pid) is None:
                os.waitpid(pid, os.WNOHANG)


class _Restarts:
    """When to start a program again that ended."""

    def __init__(self) -> None:
        self.is_ready = True
        self.due_at_s: float | None = None
        self._launched_at_s = 0.0
        self._delay_s = 0.0

    def launched(self) -> None:
        self.due_at_s = None
        self._launched_at_s = time.monotonic()

    def plan(self) -> float:
        """Return the seconds until the next start: they double as long as the program does not stay up."""
        now_s = time.monotonic()
        if now_s - self._launched_at_s > _STEADY_AFTER_S:
            self._delay_s = 0.0
        self._delay_s = min(max(2 * self._delay_s, RESTART_DELAY_MIN_S), RESTART_DELAY_MAX_S)
        self.due_at_s = now_s + self._delay_s
        return self._delay_s
