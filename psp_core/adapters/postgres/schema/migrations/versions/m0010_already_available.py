"""Settlements have columns for what was already available, and what is to be gathered has an index."""

from pathlib import Path

from alembic import op

from psp_core.adapters.postgres.schema.migrations.online import create_index, validate_constraint

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    # As the driver's own statement: no colon or percent sign in it is a parameter.
    op.get_bind().connection.cursor().execute(Path(__file__).with_name("0010_already_available.sql").read_text())
    validate_constraint("settlements_count_check", on="settlements")
    validate_constraint("settlements_available_check", on="settlements")
    # Beside the one of what is due: a payable is in one of the two at most, so that a write costs what it did.
    create_index(
        "payables_available_idx",
        "payables (due_on, customer_id, id) WHERE payment_method = 'debit_card' AND settlement_id IS NULL",
    )


def downgrade() -> None:
    raise NotImplementedError("gathered debit would count as paid out to the version before: restore a backup instead")
