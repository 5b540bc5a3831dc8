"""Who is alive, and who holds a due date."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # As the driver's own statement: no colon or percent sign in it is a parameter.
    statements = Path(__file__).with_name("0006_leases.sql").read_text()
    op.get_bind().connection.cursor().execute(statements)


def downgrade() -> None:
    op.drop_table("leases")
