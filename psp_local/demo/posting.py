"""Post a day's sales, each at its time of day, on a clock that runs thousands of times too fast."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from psp_local import LocalStackError
from psp_local.demo.traffic import Sale
from psp_local.demo.ways_in.connection import Connection
from psp_local.demo.ways_in.merchant_api import MerchantApi, Posted

CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class FastDay:
    """The day on the API's clock: it began at `midnight` and runs `speed` times as fast as ours."""

    midnight: datetime
    speed: float
    seen_at: datetime
    """What the API's clock showed when ours showed `seen_at_s`."""

    seen_at_s: float = field(default_factory=time.monotonic)

    def time_of_day(self) -> timedelta:
        """Return how far the day is."""
        return self.seen_at - self.midnight + timedelta(seconds=(time.monotonic() - self.seen_at_s) * self.speed)

    def seconds_until(self, at: timedelta) -> float:
        """Return how many of our seconds the moment is away; none if it has passed."""
        return max(0.0, (at - self.time_of_day()).total_seconds() / self.speed)


def post_day(
    sales: Sequence[Sale], *, url: str, midnight: datetime, speed: float, on_posted: Callable[[Posted], None]
) -> list[Posted]:
    """Post the sales over several connections and return what became of them, in any order.

    `on_posted` is called from several threads. Raises LocalStackError for the first sale that is refused.
    """
    with Connection(url) as connection:
        # Nobody else can say what time it is there: its clock started with its process.
        first = MerchantApi(connection).post(sales[0])
    on_posted(first)
    day = FastDay(midnight, speed, seen_at=datetime.fromisoformat(first.created_at))
    rest = _Rest(iter(sales[1:]))

    def post_some() -> list[Posted]:
        posted = []
        try:
            with Connection(url) as connection:
                for sale in rest:
                    if rest.stopped.wait(day.seconds_until(sale.at)):
                        break
                    posted.append(MerchantApi(connection).post(sale))
                    on_posted(posted[-1])
        except LocalStackError:
            rest.stopped.set()
            raise
        return posted

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        try:
            parts = [thread.result() for thread in [threads.submit(post_some) for _ in range(CONNECTIONS)]]
        finally:
            # After Ctrl-C the threads would go on until the day is over.
            rest.stopped.set()
    return [first, *(one for part in parts for one in part)]


class _Rest:
    """The sales nobody has taken yet, for several threads."""

    def __init__(self, sales: Iterator[Sale]) -> None:
        self.stopped = threading.Event()
        self._sales = sales
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Sale]:
        while True:
            with self._lock:
                sale = next(self._sales, None)
            if sale is None or self.stopped.is_set():
                return
            yield sale
