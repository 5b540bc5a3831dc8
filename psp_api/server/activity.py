"""Which merchants have asked for something lately: as long as nobody else has, one may take all.

Beside others heavy work rests: after each piece of it, and what computes between its slices as well.
"""

from __future__ import annotations

import mmap
import struct
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

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

_TELL_AGAIN_S = RECENTLY_S / 10
_TOLD_MAX = 2
_Entry = tuple[float, int, float]
_NONE = 0
"""Whose place on the board is empty."""

T = TypeVar("T")


@dataclass(slots=True)
class _Merchant:
    seen_s: float
    owes_s: float = 0.0
    as_of_s: float = 0.0

    def owed_s(self, now_s: float) -> float:
        return max(0.0, self.owes_s - (now_s - self.as_of_s))


class Board:
    """What the workers of one server tell each other: its last two merchants, when they asked, what they owe.

    Connections are not spread evenly: one worker may see all of an attack, and another one all whom it starves. Made
    before the workers are forked, so that they have its memory in common.
    """

    _PLACE = struct.Struct("=dQddQd")

    def __init__(self, *, places: int) -> None:
        self._memory = mmap.mmap(-1, places * self._PLACE.size)
        self._places = places

    def tell(self, place: int, merchant: str, *, now_s: float, owes_s: float = 0.0) -> None:
        """Note in a worker's own place who has asked."""
        at = place % self._places * self._PLACE.size
        name = self._name(merchant)
        last, before = self._entries(self._PLACE.unpack_from(self._memory, at))
        self._PLACE.pack_into(self._memory, at, now_s, name, owes_s, *(before if last[1] == name else last))

    def has_others(self, merchant: str, *, since_s: float) -> bool:
        """Tell whether anybody else has asked any worker since."""
        return any(True for _ in self._others(merchant, since_s))

    def most_owed_s(self, merchant: str, *, since_s: float) -> float:
        """Return the most that anybody else owes who has asked any worker since."""
        return max((owes_s for _, _, owes_s in self._others(merchant, since_s)), default=0.0)

    def _others(self, merchant: str, since_s: float) -> Iterator[_Entry]:
        name = self._name(merchant)
        for place in self._PLACE.iter_unpack(self._memory[:]):
            yield from (
                entry for entry in self._entries(place) if entry[0] >= since_s and entry[1] not in (name, _NONE)
            )

    @staticmethod
    def _entries(place: tuple[Any, ...]) -> tuple[_Entry, _Entry]:
        return place[:3], place[3:]

    @staticmethod
    def _name(merchant: str) -> int:
        # The same in every process, and never that of an empty place. Two of the same name only miss a rest.
        return zlib.crc32(merchant.encode()) + 1


class Activity:
    """Of one event loop, by its clock in seconds. Remembers nobody from longer ago than recently.

    `board` and `place` are what other workers are told by, whose clock is the same; without, they are not looked at.
    """

    def __init__(self, board: Board | None = None, *, place: int = 0) -> None:
        self._board = board
        self._place = place
        self._told: set[str] = set()
        self._told_until_s = 0.0
        self._is_shared_elsewhere = False
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
        self._tell(merchant, now_s)
        self.is_shared = len(self._merchants) > 1 or self._is_shared_elsewhere

    def _tell(self, merchant: str, now_s: float) -> None:
        """Tell the board of two merchants at most each time: more are not needed, and each costs microseconds."""
        if self._board is None:
            return
        if now_s >= self._told_until_s:
            self._told.clear()
            self._told_until_s = now_s + _TELL_AGAIN_S
        if len(self._told) < _TOLD_MAX and merchant not in self._told:
            self._told.add(merchant)
            self._board.tell(self._place, merchant, now_s=now_s, owes_s=self._merchants[merchant].owed_s(now_s))
            self._is_shared_elsewhere = self._board.has_others(merchant, since_s=now_s - RECENTLY_S)

    def has_others(self, merchant: str, *, now_s: float) -> bool:
        """Tell whether anybody else has asked recently, here or another worker."""
        self._forget(now_s)
        if len(self._merchants) > (merchant in self._merchants):
            return True
        return self._board is not None and self._board.has_others(merchant, since_s=now_s - RECENTLY_S)

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
        if found.owes_s <= ALLOWANCE_S or found.owes_s <= self._most_owed_s(merchant, now_s):
            return 0.0
        return found.owes_s - ALLOWANCE_S

    def _most_owed_s(self, merchant: str, now_s: float) -> float:
        """Return the most that anybody else owes: on a busy machine small work takes long too, and is not the cause."""
        here_s = max((each.owed_s(now_s) for name, each in self._merchants.items() if name != merchant), default=0.0)
        if self._board is None:
            return here_s
        return max(here_s, self._board.most_owed_s(merchant, since_s=now_s - RECENTLY_S))

    def _forget(self, now_s: float) -> None:
        while self._merchants and next(iter(self._merchants.values())).seen_s < now_s - RECENTLY_S:
            self._merchants.popitem(last=False)


class _OfThisServer:
    """The board that the server opened before its workers were forked, and this worker's place on it."""

    board: Board | None = None
    place = 0


def open_board(*, workers: int) -> None:
    """To be called once, before the workers are forked."""
    # Those that end and those that follow them are there together for a while.
    _OfThisServer.board = Board(places=2 * workers)


def take_place(number: int) -> None:
    """To be called in each worker after its fork, with a number of its own."""
    _OfThisServer.place = number


def activity_of_this_worker() -> Activity:
    return Activity(_OfThisServer.board, place=_OfThisServer.place)


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
        if self._rows % _ROWS_UNLOOKED == 0:
            self._look()

    def through(self, rows: Sequence[T]) -> Iterator[T]:
        """Yield the rows, at this pace: for a loop over them, cheaper than to be told each."""
        for start in range(0, len(rows), _ROWS_UNLOOKED):
            yield from rows[start : start + _ROWS_UNLOOKED]
            self._look()

    def _look(self) -> None:
        slice_s = self._worked_s() - self._rested_at_s
        if slice_s >= SLICE_S:
            if self._activity.is_shared:
                self._rest(slice_s * REST)
            self._rested_at_s = self._worked_s()
