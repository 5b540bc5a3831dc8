"""Blocking work in a bounded pool of threads, of which each merchant has a share, and a turn."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
    too_late: Callable[[], Exception] = _no_answer
    """What those are told for whom the time has passed."""


@dataclass(eq=False, slots=True)
class _Waiting:
    merchant: str
    work: Work[Any]
    ends_s: float
    outcome: asyncio.Future[Any]
    started_s: float = field(default=0.0, init=False)

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
        self._taken_by: Counter[str] = Counter()
        """Threads by merchant, those that rest included."""

    async def call(self, work: Work[T], *, merchant: str, weight: int = 1) -> T:
        """Return what `work` returns. Raises Overloaded, what `too_late` says after the time-out, or its own error.

        A thread is taken until its work has ended, whoever still waits for it; a place in the queue only as long.
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
            found: T = await waiting.outcome
            return found
        finally:
            timer.cancel()
            self._waiting.discard(merchant, waiting)

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
        return self._running < self._limits.threads and self._taken_by[merchant] < self._share(merchant)

    def _share(self, merchant: str) -> int:
        """Return how many threads a merchant may take: never all, since work that runs can't be put off.

        One beside others: more would serve nobody sooner, since they take the processor from each other.
        """
        is_alone = not self._activity.has_others(merchant, now_s=asyncio.get_running_loop().time())
        return max(1, self._limits.threads - 1) if is_alone else 1

    def _start_what_may(self) -> None:
        while (waiting := self._waiting.take(may=self._may)) is not None:
            if not waiting.outcome.done():
                self._start(waiting)

    def _start(self, waiting: _Waiting) -> None:
        loop = asyncio.get_running_loop()
        self._running += 1
        self._taken_by[waiting.merchant] += 1
        waiting.started_s = loop.time()
        running = loop.run_in_executor(self._threads, waiting.work, waiting.ends_s - loop.time())
        running.add_done_callback(partial(self._end, waiting))

    def _end(self, waiting: _Waiting, ended: asyncio.Future[Any]) -> None:
        self._running -= 1
        error = ended.exception()
        if not waiting.outcome.done():
            if error is not None:
                waiting.outcome.set_exception(error)
            else:
                waiting.outcome.set_result(ended.result())
        loop = asyncio.get_running_loop()
        took_s = loop.time() - waiting.started_s
        loop.call_later(
            self._activity.rest_s(waiting.merchant, took_s=took_s, now_s=loop.time()), self._give_back, waiting.merchant
        )
        self._start_what_may()

    def _give_back(self, merchant: str) -> None:
        self._taken_by[merchant] -= 1
        if not self._taken_by[merchant]:
            del self._taken_by[merchant]
        self._start_what_may()
