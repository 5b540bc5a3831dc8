"""Keeps programs running until it is asked to stop, and then leaves nothing behind."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any, NoReturn, Self

from psp_local import LocalStackError
from psp_local.supervision.guard import MARKER_VARIABLE, Lease
from psp_local.supervision.processes import end_all, marked, wait_until
from psp_local.supervision.program import Program

RESTART_DELAY_MIN_S = 0.2
RESTART_DELAY_MAX_S = 5.0
# A program that ran this long was not in a crash loop: its next restart is quick again.
_STEADY_AFTER_S = 30.0
_TICK_S = 0.25
_ONE_SHOT_WITHIN_S = 300
_LEFTOVER_PATIENCE_S = 5


class Supervisor:
    """Starts programs in stages, restarts the ones that die, stops them in reverse order. Main thread only.

    While it is entered, a signal to stop is a `KeyboardInterrupt`, wherever the thread is. `kill -9` takes everything
    down as well: the kernel signals the children, the guard the rest.
    """

    def __init__(self, folder: Path, *, say: Callable[[str], None]) -> None:
        """`folder` is locked for this supervisor; `say` gets one line for everything worth telling."""
        self.lease = Lease(folder)
        self._say = say
        self._stages: list[tuple[Program, ...]] = []
        self._restarts: dict[Program, _Restarts] = {}

    def __enter__(self) -> Self:
        self.lease.acquire(say=self._say)
        self.lease.guard()
        _answer_stop_signals(self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything in reverse order and verify that it is gone."""
        _answer_stop_signals(signal.SIG_IGN)
        for stage in reversed(self._stages):
            for program in stage:
                program.ask_to_stop()
            for program in stage:
                program.wait_or_kill()
        if survivors := end_all(lambda: marked(self.lease.marker), patience_s=_LEFTOVER_PATIENCE_S):
            self._say(f"still there, even after SIGKILL: {', '.join(str(one.pid) for one in survivors)}")
        self.lease.release()

    def start(self, *programs: Program) -> None:
        """Start the programs of one stage together and wait until all are ready.

        Raises `LocalStackError` when one ends or is not ready in time.
        """
        self._stages.append(programs)
        for program in programs:
            self._restarts[program] = _Restarts()
            self._launch(program)
        for program in programs:
            program.await_ready()

    def run(self, program: Program) -> None:
        """Run a command that ends by itself. Raises `LocalStackError` when it fails."""
        self._launch(program)
        try:
            wait_until(lambda: not program.runs(), timeout_s=_ONE_SHOT_WITHIN_S)
            if program.process is None or program.process.returncode != 0:
                raise LocalStackError(program.failure())
        finally:
            program.stop()

    def watch(self, *, after_restart: Mapping[str, Callable[[], None]] = MappingProxyType({})) -> NoReturn:
        """Restart what dies, with growing delays, until a signal asks to stop.

        `after_restart` holds, by the name of a program, what to do once it is back; it is tried again while it
        raises `LocalStackError`.
        """
        while True:
            self.lease.guard()
            for program, restarts in self._restarts.items():
                try:
                    self._look_after(program, restarts, chore=after_restart.get(program.name, lambda: None))
                except LocalStackError as error:
                    self._say(f"{error} Trying again in {restarts.plan(program):.1f} s")
            time.sleep(_TICK_S)

    def _look_after(self, program: Program, restarts: _Restarts, *, chore: Callable[[], None]) -> None:
        if program.runs():
            if restarts.is_due() and program.is_ready():
                chore()
                restarts.due_at_s = None
                self._say(f"{program.name} is back")
        elif program.process is not None:
            self._say(f"{program.failure()}; starting it again in {restarts.plan(program):.1f} s")
            program.clear_up()
        elif restarts.is_due():
            self._launch(program)

    def _launch(self, program: Program) -> None:
        # Inherited by all that it starts, so that it is found again whatever becomes of its parents.
        program.environment = {**program.environment, MARKER_VARIABLE: self.lease.run}
        program.launch()

    def _on_signal(self, number: int, _frame: FrameType | None) -> NoReturn:
        _answer_stop_signals(signal.SIG_IGN)
        self._say(f"{signal.Signals(number).name}: stopping, this takes some seconds")
        raise KeyboardInterrupt


@dataclass
class _Restarts:
    """When to start a program again that ended, or to look after one that is not back yet."""

    due_at_s: float | None = None
    delay_s: float = 0.0

    def is_due(self) -> bool:
        return self.due_at_s is not None and time.monotonic() >= self.due_at_s

    def plan(self, program: Program) -> float:
        """Return the seconds until the next attempt: they double as long as the program does not stay up."""
        if time.time() - program.launched_at_s > _STEADY_AFTER_S:
            self.delay_s = 0.0
        self.delay_s = min(max(2 * self.delay_s, RESTART_DELAY_MIN_S), RESTART_DELAY_MAX_S)
        self.due_at_s = time.monotonic() + self.delay_s
        return self.delay_s


def _answer_stop_signals(handler: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)
