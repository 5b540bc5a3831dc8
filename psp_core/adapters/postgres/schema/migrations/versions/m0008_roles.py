"""A role for each program, and what each may do; security by rows is forced on the owner, too."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    # As the driver's own statement: no colon or percent sign in it is a parameter.
    op.get_bind().connection.cursor().execute(Path(__file__).with_name("0008_roles.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("programs with logins of their own would lose every right: restore a backup instead")
