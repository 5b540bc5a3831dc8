"""Who is next when many merchants wait: turns are by rows, and where all places are taken the longest gives way.

Turns are deficit round robin (Shreedhar and Varghese, 1995); giving way is what McKenney (1990) calls buffer stealing.
One merchant alone has every place and every turn. Pure: no clock, no threads; it belongs to one event loop.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class QueueFull(Exception):
    """Nothing more fits, and nobody has more waiting than the one who asks."""


@dataclass(eq=False, slots=True)
class _Line(Generic[T]):
    """What one merchant has waiting, oldest first, each with its rows; `credit` is what its turn may still take."""

    credit: int
    rows: int = 0
    items: OrderedDict[T, int] = field(default_factory=OrderedDict)

    def remove(self, item: T) -> int:
        rows = self.items.pop(item)
        self.rows -= rows
        return rows


class FairQueue(Generic[T]):
    """Items of many merchants, each item once. `rows_max` bounds what waits; an item larger than that may wait alone.

    A turn takes about `turn_rows` rows: the larger, the more of a merchant's items leave together.
    """

    def __init__(self, *, rows_max: int, turn_rows: int) -> None:
        self._rows_max = rows_max
        self._turn_rows = turn_rows
        self._lines: dict[str, _Line[T]] = {}
        self._turns: deque[str] = deque()
        self.rows = 0
        """What waits, in rows."""

        self._count = 0

    def __len__(self) -> int:
        """Return the number of items that wait."""
        return self._count

    def put(self, merchant: str, item: T, *, rows: int) -> list[T]:
        """Add an item; return those that had to give way: the youngest of whoever has the most waiting.

        Raises QueueFull, and changes nothing, when it could only fit if somebody with less had to give way.
        """
        given_way = self._make_room(merchant, rows)
        line = self._lines.get(merchant)
        if line is None:
            line = self._lines[merchant] = _Line(self._turn_rows)
            self._turns.append(merchant)
        line.items[item] = rows
        line.rows += rows
        self.rows += rows
        self._count += 1
        return given_way

    def take(self, *, rows_max: int | None = None, may: Callable[[str], bool] | None = None) -> T | None:
        """Return the item whose turn it is; None when nothing waits, or it has more than `rows_max` rows.

        Merchants who may not are passed over, and keep what their turn may take.
        """
        passed_over = 0
        while passed_over < len(self._turns):
            merchant = self._turns[0]
            line = self._lines[merchant]
            if may is not None and not may(merchant):
                passed_over += 1
                self._turns.rotate(-1)
                continue
            item = next(iter(line.items))
            rows = line.items[item]
            if rows > line.credit and len(self._turns) > 1:
                line.credit += self._turn_rows
                passed_over = 0
                self._turns.rotate(-1)
                continue
            if rows_max is not None and rows > rows_max:
                return None
            line.credit = max(0, line.credit - rows)
            self._remove(merchant, item)
            return item
        return None

    def discard(self, merchant: str, item: T) -> bool:
        """Let go of an item whose owner waits no longer; return whether it was still waiting."""
        line = self._lines.get(merchant)
        if line is None or item not in line.items:
            return False
        self._remove(merchant, item)
        return True

    def clear(self) -> list[T]:
        """Empty the queue and return what waited in it."""
        found = [item for line in self._lines.values() for item in line.items]
        self._lines.clear()
        self._turns.clear()
        self.rows = self._count = 0
        return found

    def _remove(self, merchant: str, item: T) -> None:
        line = self._lines[merchant]
        self.rows -= line.remove(item)
        self._count -= 1
        if not line.items:
            del self._lines[merchant]
            self._turns.remove(merchant)

    def _make_room(self, merchant: str, rows: int) -> list[T]:
        found: list[tuple[str, T]] = []
        missing = self.rows + rows - self._rows_max if self.rows else 0
        if missing > 0:
            own = self._lines[merchant].rows + rows if merchant in self._lines else rows
            found = self._that_give_way(missing, longer_than=own)
        for other, item in found:
            self._remove(other, item)
        return [item for _, item in found]

    def _that_give_way(self, missing: int, *, longer_than: int) -> list[tuple[str, T]]:
        found: list[tuple[str, T]] = []
        lengths = {merchant: line.rows for merchant, line in self._lines.items()}
        youngest: dict[str, Iterator[tuple[T, int]]] = {}
        while missing > 0:
            longest = max(lengths, key=lengths.__getitem__)
            if lengths[longest] <= longer_than:
                raise QueueFull
            if longest not in youngest:
                youngest[longest] = reversed(self._lines[longest].items.items())
            item, rows = next(youngest[longest])
            found.append((longest, item))
            lengths[longest] -= rows
            missing -= rows
        return found
