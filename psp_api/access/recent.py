"""What is remembered of those who came most recently: whoever asks, and however often, the memory is bounded."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """Values by name, of at most `names_max` names: who has not come for the longest time is forgotten first."""

    def __init__(self, names_max: int) -> None:
        self._names_max = names_max
        self._values: OrderedDict[str, V] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self._values)

    def get(self, name: str) -> V | None:
        return self._values.get(name)

    def put(self, name: str, value: V) -> None:
        self._values[name] = value
        self._values.move_to_end(name)
        if len(self._values) > self._names_max:
            self._values.popitem(last=False)

    def clear(self) -> None:
        self._values.clear()
