"""Alembic's entry point; `migrate.py` passes it an open connection."""

from alembic import context

from psp_core.adapters.postgres.schema.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_server_default=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
