"""Operator actions in Postgres: rows are only ever added."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from psp_core.domain.operations.operator_actions import OperatorAction, Outcome


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

    def newest(self, *, limit: int) -> list[OperatorAction]:
        rows = self.connection.exec_driver_sql(
            "SELECT action.id, action, reason, run_id, details, action.created_at, actor, outcome"
            " FROM operator_actions action LEFT JOIN operator_action_outcomes ON action_id = action.id"
            " ORDER BY action.id DESC LIMIT %s",
            (limit,),
        )
        return [_action(row) for row in rows]


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
    )
