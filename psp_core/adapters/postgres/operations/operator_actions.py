"""Operator actions in Postgres: rows are only ever added."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from psp_core.domain.operations.operator_actions import OperatorAction, Outcome

_NEWEST = """
SELECT action.id, action, reason, run_id, details, action.created_at, actor, outcome, detail,
       ending.created_at AS ended_at
FROM operator_actions action LEFT JOIN operator_action_outcomes ending ON action_id = action.id
WHERE (%(action)s::text IS NULL OR action = %(action)s OR starts_with(action, %(action)s || ' '))
  AND (%(since)s::timestamptz IS NULL OR action.created_at >= %(since)s)
  AND (%(before)s::timestamptz IS NULL OR action.created_at < %(before)s)
ORDER BY action.id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class PostgresOperatorActions:
    connection: Connection

    def add(self, record: OperatorAction) -> None:
        self.connection.exec_driver_sql(
            "INSERT INTO operator_actions (id, action, reason, run_id, details, created_at, actor)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT ON CONSTRAINT operator_actions_run_key DO NOTHING",
            (
                record.id,
                record.action,
                record.reason,
                record.run_id,
                json.dumps(dict(record.details)),
                record.created_at,
                record.actor,
            ),
        )

    def finish(self, id: UUID, *, outcome: Outcome, detail: str, at: datetime) -> None:
        self.connection.exec_driver_sql(
            "INSERT INTO operator_action_outcomes (action_id, outcome, detail, created_at) VALUES (%s, %s, %s, %s)",
            (id, outcome.value, detail, at),
        )

    def newest(
        self, *, limit: int, action: str | None, since: datetime | None, before: datetime | None
    ) -> list[OperatorAction]:
        filters = {"limit": limit, "action": action, "since": since, "before": before}
        return [_action(row) for row in self.connection.exec_driver_sql(_NEWEST, filters)]


def _action(row: Row[Any]) -> OperatorAction:
    return OperatorAction(
        id=row.id,
        action=row.action,
        reason=row.reason,
        run_id=row.run_id,
        details=row.details,
        created_at=row.created_at,
        actor=row.actor,
        outcome=Outcome(row.outcome) if row.outcome else None,
        detail=row.detail or "",
        ended_at=row.ended_at,
    )
