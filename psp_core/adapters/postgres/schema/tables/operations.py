"""What people did by hand, who is alive, and what is decided once."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from psp_core.adapters.postgres.schema.tables.kernel import INSTANT, metadata

operator_actions = Table(
    "operator_actions",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("action", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("actor", Text),
    PrimaryKeyConstraint("id", name="operator_actions_pkey"),
    UniqueConstraint("run_id", "action", name="operator_actions_run_key"),
    CheckConstraint("length(trim(reason)) BETWEEN 1 AND 1000", name="operator_actions_reason_check"),
)

operator_action_outcomes = Table(
    "operator_action_outcomes",
    metadata,
    Column("action_id", Uuid, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("action_id", name="operator_action_outcomes_pkey"),
    ForeignKeyConstraint(["action_id"], ["operator_actions.id"], name="operator_action_outcomes_action_fkey"),
    CheckConstraint("outcome IN ('done', 'refused', 'failed')", name="operator_action_outcomes_outcome_check"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, nullable=False),
    Column("token", Uuid, nullable=False),
    Column("holder", Text, nullable=False),
    Column("first_due_on", Date),
    Column("last_due_on", Date),
    Column("taken_at", INSTANT, nullable=False),
    Column("lapses_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("name", name="leases_pkey"),
    UniqueConstraint("token", name="leases_token_key"),
    CheckConstraint(
        "(first_due_on IS NULL) = (last_due_on IS NULL) AND first_due_on <= last_due_on", name="leases_due_dates_check"
    ),
    CheckConstraint("lapses_at > taken_at", name="leases_lapse_check"),
)

platform_settings = Table(
    "platform_settings",
    metadata,
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("set_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("name", name="platform_settings_pkey"),
    CheckConstraint("name IN ('time_zone')", name="platform_settings_name_check"),
)
