"""Operator actions in Postgres: rows are only ever added."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Connection

from psp_core.domain.operator_actions import OperatorAction


@dataclass(frozen=True, slots=True)
class PostgresOperatorActions:
    connection: Connection

    def add(self, record: OperatorAction) -> None:
        self.connection.exec_driver_sql(
            "INSERT INTO operator_actions (id, action, reason, run_id, details, created_at)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT ON CONSTRAINT operator_actions_run_key DO NOTHING",
            (
                record.id,
                record.action,
                record.reason,
                record.run_id,
                json.dumps(dict(record.details)),
                record.created_at,
            ),
        )

    def newest(self, *, limit: int) -> list[OperatorAction]:
        rows = self.connection.exec_driver_sql(
            "SELECT id, action, reason, run_id, details, created_at FROM operator_actions ORDER BY id DESC LIMIT %s",
            (limit,),
        )
        return [OperatorAction(*row) for row in rows]
