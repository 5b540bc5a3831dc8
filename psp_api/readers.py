"""Reads: a bounded pool of threads, because psycopg2 blocks, and a bounded number of requests that wait for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from psp_api.problems.refusals import Overloaded
from psp_core.domain.errors import StorageUnavailable

T = TypeVar("T")


class Readers:
    def __init__(self, *, threads: int, waiting_max: int, timeout_s: float) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="read")
        self._taken_max = threads + waiting_max
        self._timeout_s = timeout_s
        self._taken = 0

    async def call(self, read: Callable[[], T]) -> T:
        """Return what `read` returns. Raises Overloaded, StorageUnavailable after the time-out, or its own error."""
        if self._taken >= self._taken_max:
            raise Overloaded
        self._taken += 1
        try:
            work = asyncio.get_running_loop().run_in_executor(self._threads, read)
            return await asyncio.wait_for(work, self._timeout_s)
        except TimeoutError as error:
            raise StorageUnavailable("the database did not answer in time") from error
        finally:
            self._taken -= 1

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
