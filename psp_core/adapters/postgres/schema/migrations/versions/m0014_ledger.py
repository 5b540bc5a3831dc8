"""The ledger: entries, postings, balances, sealed days, and which entry books what."""

from pathlib import Path

from alembic import op

from psp_core.adapters.postgres.schema.migrations.online import create_index

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    # As the driver's own statement: no colon or percent sign in it is a parameter.
    op.get_bind().connection.cursor().execute(Path(__file__).with_name("0014_ledger.sql").read_text())
    create_index("settlements_closed_idx", "settlements (closed_at) WHERE closed_at IS NOT NULL")


def downgrade() -> None:
    bind = op.get_bind()
    bind.exec_driver_sql("DROP INDEX settlements_closed_idx")
    bind.exec_driver_sql("ALTER TABLE payables DROP COLUMN entry_id")
    bind.exec_driver_sql(
        "ALTER TABLE settlements DROP COLUMN opened_entry_id, DROP COLUMN entry_id, DROP COLUMN to_available_minor"
    )
    bind.exec_driver_sql(
        "DROP TABLE ledger_entries, ledger_postings, ledger_balances, ledger_days, ledger_sealed_balances, ledger_state"
    )
