"""What people did by hand, and why: kept for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from psp_core.domain.intake.cards import holds_card_data

REASON_LENGTH_MAX = 1_000
DETAIL_LENGTH_MAX = 1_000


_COMMAND, _PAGE = "command line, ", "Dagster's page, "


class Outcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"
    """The platform said no, and nothing was changed."""

    FAILED = "failed"
    """It ended in the middle: by an error, or because it was interrupted."""


def require_reason(reason: str, *, action: str) -> None:
    """Raise ValueError unless this is a reason that may be kept for ever."""
    if not reason.strip():
        raise ValueError(f"{action} by hand needs a reason")
    if len(reason) > REASON_LENGTH_MAX:
        raise ValueError(f"a reason has at most {REASON_LENGTH_MAX} characters, this one {len(reason)}")
    if not all(character.isprintable() or character in "\n\t" for character in reason):
        raise ValueError("a reason is plain text: this one has control characters")
    if holds_card_data(reason):
        raise ValueError("a reason must not contain a card number: it would be kept for ever")


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """One action that no schedule asked for. `run_id` is the Dagster run that carried it out, or a command's own."""

    id: UUID
    action: str
    reason: str
    run_id: str
    details: Mapping[str, str]
    created_at: datetime
    actor: str | None = None
    """Whoever was logged in, or the system's user; None where nobody could know."""

    outcome: Outcome | None = None
    """None while it goes on, or when it was killed. A Dagster run's is in Dagster; of what somebody pressed on its
    pages, whether Dagster accepted it."""

    detail: str = ""
    """What it did, in numbers, or the sentence by which it was refused."""

    ended_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse an action without a reason, and one with card data in it: raises ValueError."""
        require_reason(self.reason, action=self.action)

    @property
    def came_of_it(self) -> str:
        """Return in one sentence how it ended, as far as that is known here."""
        if self.outcome is not None:
            return f"{self.outcome}: {self.detail}" if self.detail else str(self.outcome)
        if self.run_id.startswith((_COMMAND, _PAGE)):
            return "begun, and no end is recorded: it goes on, or was killed"
        return f"Dagster knows, by the run {self.run_id}"


def command_run_id(id: UUID) -> str:
    """Return the run id of a command: a process id comes again, this does not."""
    return f"{_COMMAND}{id}"


def page_run_id(id: UUID) -> str:
    """Return the run id of what somebody pressed on Dagster's pages, which may be no run at all."""
    return f"{_PAGE}{id}"
