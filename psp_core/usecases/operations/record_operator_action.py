"""Record what a person did by hand, before it is done, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psp_core.domain.kernel.errors import (
    BooksDoNotBalance,
    DomainError,
    HoldLost,
    QueueUnavailable,
    StorageUnavailable,
)
from psp_core.domain.operations.operator_actions import (
    DETAIL_LENGTH_MAX,
    OperatorAction,
    Outcome,
    command_run_id,
    page_run_id,
)
from psp_core.ports.kernel import Clock, Ids
from psp_core.ports.store import Store

LISTED_ACTIONS_MAX = 1_000

_IN_THE_MIDDLE = (StorageUnavailable, QueueUnavailable, HoldLost, BooksDoNotBalance)
"""What ends an action that may have done some of its work: no refusal."""


@dataclass(slots=True)
class ActionUnderWay:
    """A command under way, which says here what it has done, in numbers."""

    did: str = ""


@dataclass(frozen=True, slots=True)
class RecordOperatorAction:
    store: Store
    clock: Clock
    ids: Ids

    def __call__(
        self, action: str, *, reason: str, run_id: str, details: Mapping[str, str], actor: str | None = None
    ) -> OperatorAction:
        """Store and return the action; a run that is tried again stores it once. Raises ValueError without a reason."""
        now = self.clock.now()
        record = OperatorAction(self.ids.new(at=now, count=1)[0], action, reason, run_id, details, now, actor)
        with self.store.begin() as work:
            work.operator_actions.add(record)
        return record

    @contextmanager
    def command(self, action: str, *, reason: str, actor: str, details: Mapping[str, str]) -> Iterator[ActionUnderWay]:
        """Record a command around its block, each time it is given: before it starts, and how it ended.

        What the block raises is raised, also when its end cannot be recorded. Raises ValueError without a reason,
        before anything is done, and StorageUnavailable when the block went well but its end cannot be recorded.
        """
        record = self(action, reason=reason, run_id=command_run_id(self._new_id()), details=details, actor=actor)
        under_way = ActionUnderWay()
        try:
            yield under_way
        except BaseException as error:
            outcome, detail = _end(error, did=under_way.did)
            # A record without an end says that much, and the error itself is worth more to whoever waits for it.
            with suppress(StorageUnavailable):
                self.finish(record, outcome, detail)
            raise
        try:
            self.finish(record, Outcome.DONE, under_way.did)
        except StorageUnavailable as outage:
            raise StorageUnavailable(f"{action} was done, but that could not be recorded: {outage}") from outage

    def on_a_page(self, action: str, *, reason: str, details: Mapping[str, str], actor: str | None) -> OperatorAction:
        """Record what somebody pressed on Dagster's pages, each time; `finish` says later what came of it."""
        return self(action, reason=reason, run_id=page_run_id(self._new_id()), details=details, actor=actor)

    def finish(self, record: OperatorAction, outcome: Outcome, detail: str) -> None:
        """Add how the action ended: once."""
        with self.store.begin() as work:
            work.operator_actions.finish(
                record.id, outcome=outcome, detail=detail[:DETAIL_LENGTH_MAX], at=self.clock.now()
            )

    def newest(
        self,
        *,
        limit: int,
        action: str | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
    ) -> list[OperatorAction]:
        """Return at most `limit` actions, up to LISTED_ACTIONS_MAX, newest first, of those begun in the time given.

        `action` is one action, or the first words of several: "keys" finds "keys create".
        """
        with self.store.begin() as work:
            return list(
                work.operator_actions.newest(
                    limit=min(limit, LISTED_ACTIONS_MAX), action=action, since=since, before=before
                )
            )

    def _new_id(self) -> UUID:
        [id] = self.ids.new(at=self.clock.now(), count=1)
        return id


def _end(error: BaseException, *, did: str) -> tuple[Outcome, str]:
    """Return how a command ended that raised, and what is said of it."""
    if isinstance(error, _IN_THE_MIDDLE):
        outcome, said = Outcome.FAILED, str(error)
    elif isinstance(error, DomainError | ValueError):
        outcome, said = Outcome.REFUSED, str(error)
    elif isinstance(error, KeyboardInterrupt):
        outcome, said = Outcome.FAILED, f"interrupted by {str(error) or 'Ctrl-C'}"
    else:
        # Its class alone: what a driver says may repeat what it was given.
        outcome, said = Outcome.FAILED, type(error).__name__
    return outcome, f"{said}; before that: {did}" if did else said
