"""Merchants' terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from psp_core.domain.pricing import FeePlan


class FeePlans(Protocol):
    def of(self, customer_ids: Iterable[str]) -> Mapping[str, list[FeePlan]]:
        """Return every plan, past and present, of the merchants that have one of their own."""
        ...

    def merchants(self, *, after: str, limit: int) -> Sequence[str]:
        """Return at most `limit` merchants that have a plan, in the order of their names, from behind `after` on."""
        ...

    def hold(self, customer_id: str) -> None:
        """Let nobody else who calls this change the merchant's plans before the unit of work ends."""
        ...

    def add(self, customer_id: str, plan: FeePlan) -> None: ...
