"""Merchants' terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from psp_core.domain.pricing.fee_plans import FeePlan


class FeePlans(Protocol):
    def of(self, customer_ids: Iterable[str]) -> Mapping[str, list[FeePlan]]:
        """Return every plan, past and present, of the merchants that have one of their own."""
        ...

    def add(self, customer_id: str, plan: FeePlan) -> None: ...
