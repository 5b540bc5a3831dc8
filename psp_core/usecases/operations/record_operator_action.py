"""Record what a person did by hand, before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psp_core.domain.operator_actions import OperatorAction
from psp_core.ports import Clock, Ids, Store


@dataclass(frozen=True, slots=True)
class RecordOperatorAction:
    store: Store
    clock: Clock
    ids: Ids

    def __call__(self, action: str, *, reason: str, run_id: str, details: Mapping[str, str]) -> OperatorAction:
        """Store and return the action; a run that is tried again stores it once. Raises ValueError without a reason."""
        now = self.clock.now()
        record = OperatorAction(self.ids.new(at=now, count=1)[0], action, reason, run_id, details, now)
        with self.store.begin() as work:
            work.operator_actions.add(record)
        return record

    def newest(self, *, limit: int) -> list[OperatorAction]:
        """Return the latest actions, newest first."""
        with self.store.begin() as work:
            return list(work.operator_actions.newest(limit=limit))
