"""Who acted by hand, and how it ended."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    # As the driver's own statement: no colon or percent sign in it is a parameter.
    op.get_bind().connection.cursor().execute(Path(__file__).with_name("0007_who_acted.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("without this, the record of manual actions is gone: restore a backup instead")
