"""What people did by hand, and why: kept for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psp_core.domain.cards import holds_card_data

REASON_LENGTH_MAX = 1_000


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """One action that no schedule asked for. `run_id` is the Dagster run that carried it out."""

    id: UUID
    action: str
    reason: str
    run_id: str
    details: Mapping[str, str]
    created_at: datetime

    def __post_init__(self) -> None:
        """Refuse an action without a reason, and one with card data in it: raises ValueError."""
        if not self.reason.strip():
            raise ValueError(f"{self.action} by hand needs a reason")
        if len(self.reason) > REASON_LENGTH_MAX:
            raise ValueError(f"a reason has at most {REASON_LENGTH_MAX} characters")
        if holds_card_data(self.reason):
            raise ValueError("a reason must not contain a card number: it would be kept for ever")
