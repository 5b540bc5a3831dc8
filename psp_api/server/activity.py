"""Which merchants have asked for something lately: as long as nobody else has, one may take all.

Beside others heavy work rests: after each piece of it, and what computes between its slices as well.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

RECENTLY_S = 1.0
NOBODYS = "\0"
"""How names begin that are no merchant's: what waits under them makes nobody else rest, and rests never."""

REST = 2.0
"""How long a merchant's work rests beside others', in times of what it took: at 2, it takes a third of the time."""

ALLOWANCE_S = 0.1
"""So much rest may be owed: who works now and then, and sometimes twice at once, never waits for itself."""

_OWED_S_MAX = 1.0

SLICE_S = 0.0005
"""Of processor time, after which work that computes rests beside others'. Short, because whoever is interrupted by the
operating system in the middle of a slice has the interpreter with it, and the event loop waits for both."""

FREE_S = 0.002
"""Of processor time that a piece of work has before its first rest: small ones have none."""

_ROWS_UNLOOKED = 32
"""To read the clock takes as long as a tenth of a row."""

T = TypeVar("T")


@dataclass(slots=True)
class _Merchant:
    seen_s: float
    owes_s: float = 0.0
    as_of_s: float = 0.0


class Activity:
    """Of one event loop, by its clock in seconds. Remembers nobody from longer ago than recently."""

    def __init__(self) -> None:
        self._merchants: OrderedDict[str, _Merchant] = OrderedDict()
        self.is_shared = False
        """Whether more than one merchant had asked lately when the last one asked. Any thread may read it."""

    def see(self, merchant: str, *, now_s: float) -> None:
        if merchant.startswith(NOBODYS):
            return
        found = self._merchants.get(merchant)
        if found is None:
            self._merchants[merchant] = _Merchant(now_s)
        else:
            found.seen_s = now_s
            self._merchants.move_to_end(merchant)
        self._forget(now_s)
        self.is_shared = len(self._merchants) > 1

    def has_others(self, merchant: str, *, now_s: float) -> bool:
        """Tell whether anybody else has asked recently."""
        self._forget(now_s)
        return len(self._merchants) > (merchant in self._merchants)

    def rest_s(self, merchant: str, *, took_s: float, now_s: float) -> float:
        """Note work that has just ended, and return how long the merchant's next one of its kind must wait.

        What is owed is paid by the time between one piece of work and the next, of any kind.
        """
        is_alone = not self.has_others(merchant, now_s=now_s)
        found = self._merchants.get(merchant)
        if found is None or is_alone:
            return 0.0
        rested_s = max(0.0, now_s - took_s - found.as_of_s)
        found.owes_s = min(_OWED_S_MAX, max(0.0, found.owes_s - rested_s) + took_s * REST)
        found.as_of_s = now_s
        return max(0.0, found.owes_s - ALLOWANCE_S)

    def _forget(self, now_s: float) -> None:
        while self._merchants and next(iter(self._merchants.values())).seen_s < now_s - RECENTLY_S:
            self._merchants.popitem(last=False)


class Pace:
    """Of one piece of work, and of the thread that does it and has made this: to be told each row that is done.

    Rests beside others after each slice, so that who waits for the interpreter need not wait for the whole.
    """

    def __init__(
        self,
        activity: Activity,
        *,
        worked_s: Callable[[], float] = time.thread_time,
        rest: Callable[[float], object] = time.sleep,
    ) -> None:
        self._activity = activity
        self._worked_s = worked_s
        self._rest = rest
        self._rested_at_s = worked_s() + FREE_S
        self._rows = 0

    def __call__(self) -> None:
        self._rows += 1
        if self._rows % _ROWS_UNLOOKED:
            return
        slice_s = self._worked_s() - self._rested_at_s
        if slice_s >= SLICE_S:
            if self._activity.is_shared:
                self._rest(slice_s * REST)
            self._rested_at_s = self._worked_s()

    def through(self, rows: Iterable[T]) -> Iterator[T]:
        """Yield the rows, at this pace."""
        for row in rows:
            yield row
            self()
