"""API keys, and row-level security on what merchants read."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # As the driver's own statement: no colon or percent sign in it is a parameter.
    op.get_bind().connection.cursor().execute(Path(__file__).with_name("0002_api_keys.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("without this, every merchant's key is gone: restore a backup instead")
