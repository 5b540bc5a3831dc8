"""The outbox."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, PrimaryKeyConstraint, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from psp_core.adapters.postgres.schema.tables.kernel import INSTANT, metadata

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("transaction_ids", ARRAY(Uuid), nullable=False),
    Column("traceparent", Text),
    Column("created_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("id", name="outbox_pkey"),
    # A queue in a table: dead rows pile up at its head, so they are vacuumed early.
    postgresql_with={"autovacuum_vacuum_scale_factor": 0.0, "autovacuum_vacuum_threshold": 2000},
)
