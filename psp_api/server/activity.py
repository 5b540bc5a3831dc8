"""Which merchants have asked for something lately: as long as nobody else has, one may take all."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

RECENTLY_S = 1.0
NOBODYS = "\0"
"""How names begin that are no merchant's: what waits under them makes nobody else rest, and rests never."""

REST = 1.0
"""How long a merchant's work rests beside others', in times of what it took: at 1, it takes half of the time."""

ALLOWANCE_S = 0.1
"""So much rest may be owed: who works now and then, and sometimes twice at once, never waits for itself."""

_OWED_S_MAX = 1.0


@dataclass(slots=True)
class _Merchant:
    seen_s: float
    owes_s: float = 0.0
    as_of_s: float = 0.0


class Activity:
    """Of one event loop, by its clock in seconds. Remembers nobody from longer ago than recently."""

    def __init__(self) -> None:
        self._merchants: OrderedDict[str, _Merchant] = OrderedDict()

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
