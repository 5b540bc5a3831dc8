"""Reads: a bounded pool of threads, because psycopg2 blocks, of which each merchant has a share, and a turn."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from psp_api.server.fair_queue import FairQueue, QueueFull
from psp_api.server.problems.refusals import Overloaded
from psp_core.domain.kernel.errors import StorageUnavailable

T = TypeVar("T")
RECENTLY_S = 1.0
_TURN_WEIGHT = 10
Read = Callable[[float], T]
"""Reads, and must have given up when so many seconds have passed: its caller is told at that moment."""


@dataclass(frozen=True, slots=True)
class ReaderLimits:
    threads: int
    waiting_max: int
    """In reads' weights."""

    timeout_s: float


@dataclass(eq=False, slots=True)
class _Waiting:
    merchant: str
    read: Read[Any]
    ends_s: float
    outcome: asyncio.Future[Any]

    def fail(self, error: Exception) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)


class Readers:
    """Belongs to one event loop. Who waits is told apart by `merchant`; what is no merchant's has a name of its own."""

    def __init__(self, limits: ReaderLimits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="read")
        self._waiting: FairQueue[_Waiting] = FairQueue(rows_max=limits.waiting_max, turn_rows=_TURN_WEIGHT)
        self._running = 0
        self._running_of: Counter[str] = Counter()
        self._seen_s: OrderedDict[str, float] = OrderedDict()
        """When each merchant last read, the last one at the end; nobody from longer ago than recently."""

    async def call(self, read: Read[T], *, merchant: str, weight: int = 1) -> T:
        """Return what `read` returns. Raises Overloaded, StorageUnavailable after the time-out, or its own error.

        A thread is taken until its read has ended, whoever still waits for it; a place in the queue only as long.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(merchant, read, loop.time() + self._limits.timeout_s, loop.create_future())
        self._see(merchant, loop.time())
        if self._may(merchant):
            # Then nobody waits who may as well.
            self._start(waiting)
        else:
            self._put(waiting, weight)
        timer = loop.call_at(waiting.ends_s, waiting.fail, StorageUnavailable("the database did not answer in time"))
        try:
            found: T = await waiting.outcome
            return found
        finally:
            timer.cancel()
            self._waiting.discard(merchant, waiting)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _put(self, waiting: _Waiting, weight: int) -> None:
        if not self._limits.waiting_max:
            raise Overloaded
        try:
            for other in self._waiting.put(waiting.merchant, waiting, rows=weight):
                other.fail(Overloaded())
        except QueueFull:
            raise Overloaded from None

    def _may(self, merchant: str) -> bool:
        return self._running < self._limits.threads and self._running_of[merchant] < self._share()

    def _share(self) -> int:
        """Return how many threads a merchant may take: never all, since a read that runs can't be put off.

        Half of them when others read as well, divided by all who do. More would not serve anybody sooner: they would
        take the processor from each other.
        """
        threads, merchants = self._limits.threads, len(self._seen_s)
        return max(1, threads - 1 if merchants <= 1 else threads // (2 * merchants))

    def _see(self, merchant: str, now_s: float) -> None:
        self._seen_s[merchant] = now_s
        self._seen_s.move_to_end(merchant)
        while next(iter(self._seen_s.values())) < now_s - RECENTLY_S:
            self._seen_s.popitem(last=False)

    def _start_what_may(self) -> None:
        while (waiting := self._waiting.take(may=self._may)) is not None:
            if not waiting.outcome.done():
                self._start(waiting)

    def _start(self, waiting: _Waiting) -> None:
        loop = asyncio.get_running_loop()
        self._running += 1
        self._running_of[waiting.merchant] += 1
        work = loop.run_in_executor(self._threads, waiting.read, waiting.ends_s - loop.time())
        work.add_done_callback(partial(self._end, waiting))

    def _end(self, waiting: _Waiting, work: asyncio.Future[Any]) -> None:
        self._running -= 1
        self._running_of[waiting.merchant] -= 1
        if not self._running_of[waiting.merchant]:
            del self._running_of[waiting.merchant]
        error = work.exception()
        if not waiting.outcome.done():
            if error is not None:
                waiting.outcome.set_exception(error)
            else:
                waiting.outcome.set_result(work.result())
        self._start_what_may()
