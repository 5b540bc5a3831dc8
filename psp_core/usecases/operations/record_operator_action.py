"""Record what a person did by hand, before it is done, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from psp_core.domain.kernel.errors import DomainError
from psp_core.domain.operations.operator_actions import DETAIL_LENGTH_MAX, OperatorAction, Outcome
from psp_core.ports.kernel import Clock, Ids
from psp_core.ports.store import Store


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
    def command(self, action: str, *, reason: str, actor: str, details: Mapping[str, str]) -> Iterator[None]:
        """Record a command around its block, each time it is given: before it starts, and how it ended.

        What the block raises is raised. Raises ValueError without a reason, before anything is done.
        """
        # A process id comes again; this does not.
        [run] = self.ids.new(at=self.clock.now(), count=1)
        record = self(action, reason=reason, run_id=f"command line, {run}", details=details, actor=actor)
        try:
            yield
        except (DomainError, ValueError) as refusal:
            self._finish(record, Outcome.REFUSED, str(refusal))
            raise
        except BaseException as error:
            # Its class alone: what a driver says may repeat what it was given.
            self._finish(record, Outcome.FAILED, type(error).__name__)
            raise
        self._finish(record, Outcome.DONE, "")

    def newest(self, *, limit: int) -> list[OperatorAction]:
        """Return the latest actions, newest first."""
        with self.store.begin() as work:
            return list(work.operator_actions.newest(limit=limit))

    def _finish(self, record: OperatorAction, outcome: Outcome, detail: str) -> None:
        with self.store.begin() as work:
            work.operator_actions.finish(
                record.id, outcome=outcome, detail=detail[:DETAIL_LENGTH_MAX], at=self.clock.now()
            )
