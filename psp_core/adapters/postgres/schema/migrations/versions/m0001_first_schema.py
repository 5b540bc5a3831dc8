"""The first schema: transactions, payables, settlements, the outbox, idempotency keys and fee plans."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    # As the driver's own statement: no colon or percent sign in it is a parameter.
    op.get_bind().connection.cursor().execute(Path(__file__).with_name("0001_first_schema.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("there is nothing before the first schema: drop the database instead")
