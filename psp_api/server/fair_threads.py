"""Blocking work in a bounded pool of threads, of which each merchant has a share, and a turn."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from psp_api.server.activity import Activity
from psp_api.server.fair_queue import FairQueue, QueueFull
from psp_api.server.problems.refusals import Overloaded
from psp_core.domain.kernel.errors import StorageUnavailable

T = TypeVar("T")
Work = Callable[[float], T]
"""Must have given up when so many seconds have passed: its caller is told at that moment."""


def _no_answer() -> Exception:
    return StorageUnavailable("the database did not answer in time")


@dataclass(frozen=True, slots=True)
class ThreadLimits:
    threads: int
    waiting_max: int
    """In weights."""

    timeout_s: float
    turn_weight: int = 10
    taken_alone_max: int | None = None
    """How many turns one merchant alone may have at a time, whether they need a thread still or not; None: no bound."""

    too_late: Callable[[], Exception] = _no_answer
    """What those are told for whom the time has passed."""


@dataclass(eq=False, slots=True)
class _Waiting:
    merchant: str
    work: Work[Any]
    ends_s: float
    outcome: asyncio.Future[Any]
    started_s: float = field(default=0.0, init=False)
    is_held: bool = field(default=False, init=False)
    """Its work has ended well, and whoever called has the turn until it is given back."""

    def fail(self, error: Exception) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)


class FairThreads:
    """Belongs to one event loop. Who waits is told apart by `merchant`; what is no merchant's has a name of its own."""

    def __init__(self, limits: ThreadLimits, *, activity: Activity | None = None, name: str = "read") -> None:
        self._limits = limits
        self._activity = activity or Activity()
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix=name)
        self._waiting: FairQueue[_Waiting] = FairQueue(rows_max=limits.waiting_max, turn_rows=limits.turn_weight)
        self._running = 0
        self._running_by: Counter[str] = Counter()
        self._taken_by: Counter[str] = Counter()
        """Turns by merchant: those that run, that are held after that, and that rest."""

    async def call(self, work: Work[T], *, merchant: str, weight: int = 1) -> T:
        """Return what `work` returns. Raises what `turn` does."""
        async with self.turn(work, merchant=merchant, weight=weight) as found:
            return found

    @asynccontextmanager
    async def turn(self, work: Work[T], *, merchant: str, weight: int = 1) -> AsyncIterator[T]:
        """Have what `work` returns, and the merchant's turn until the block ends: no other begins in its place.

        Raises Overloaded, what `too_late` says after the time-out, or the work's own error. A thread is taken until
        its work has ended, whoever still waits for it; a place in the queue only as long.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(merchant, work, loop.time() + self._limits.timeout_s, loop.create_future())
        self._activity.see(merchant, now_s=loop.time())
        if self._may(merchant):
            # Then nobody waits who may as well.
            self._start(waiting)
        else:
            self._put(waiting, weight)
        timer = loop.call_at(waiting.ends_s, self._be_too_late, waiting)
        try:
            yield await waiting.outcome
        finally:
            timer.cancel()
            self._waiting.discard(merchant, waiting)
            if waiting.is_held:
                self._let_rest(waiting)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _be_too_late(self, waiting: _Waiting) -> None:
        waiting.fail(self._limits.too_late())

    def _put(self, waiting: _Waiting, weight: int) -> None:
        if not self._limits.waiting_max:
            raise Overloaded
        try:
            for other in self._waiting.put(waiting.merchant, waiting, rows=weight):
                other.fail(Overloaded())
        except QueueFull:
            raise Overloaded from None

    def _may(self, merchant: str) -> bool:
        """Tell whether a merchant's turn may begin. Never with all threads, since work that runs can't be put off.

        One turn beside others: more would serve nobody sooner, since they take the processor from each other.
        """
        limits = self._limits
        if self._running >= limits.threads:
            return False
        if self._activity.has_others(merchant, now_s=asyncio.get_running_loop().time()):
            return not self._taken_by[merchant]
        is_below = limits.taken_alone_max is None or self._taken_by[merchant] < limits.taken_alone_max
        return is_below and self._running_by[merchant] < max(1, limits.threads - 1)

    def _start_what_may(self) -> None:
        while (waiting := self._waiting.take(may=self._may)) is not None:
            if not waiting.outcome.done():
                self._start(waiting)

    def _start(self, waiting: _Waiting) -> None:
        loop = asyncio.get_running_loop()
        self._running += 1
        self._running_by[waiting.merchant] += 1
        self._taken_by[waiting.merchant] += 1
        waiting.started_s = loop.time()
        running = loop.run_in_executor(self._threads, waiting.work, waiting.ends_s - loop.time())
        running.add_done_callback(partial(self._end, waiting))

    def _end(self, waiting: _Waiting, ended: asyncio.Future[Any]) -> None:
        self._running -= 1
        _count_down(self._running_by, waiting.merchant)
        error = ended.exception()
        if waiting.outcome.done():
            # Nobody waits for it.
            self._let_rest(waiting)
        elif error is not None:
            waiting.outcome.set_exception(error)
            self._let_rest(waiting)
        else:
            waiting.is_held = True
            waiting.outcome.set_result(ended.result())
        self._start_what_may()

    def _let_rest(self, waiting: _Waiting) -> None:
        """Give the turn back, beside others not before the merchant has rested."""
        loop = asyncio.get_running_loop()
        took_s = loop.time() - waiting.started_s
        rest_s = self._activity.rest_s(waiting.merchant, took_s=took_s, now_s=loop.time())
        loop.call_later(rest_s, self._give_back, waiting.merchant)

    def _give_back(self, merchant: str) -> None:
        _count_down(self._taken_by, merchant)
        self._start_what_may()


def _count_down(counts: Counter[str], merchant: str) -> None:
    counts[merchant] -= 1
    if not counts[merchant]:
        del counts[merchant]
