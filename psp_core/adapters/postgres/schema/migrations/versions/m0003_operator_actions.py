"""What operators did by hand, and an index for the lines of a settlement."""

from pathlib import Path

from alembic import op

from psp_core.adapters.postgres.schema.migrations.online import create_index

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # As the driver's own statement: no colon or percent sign in it is a parameter.
    op.get_bind().connection.cursor().execute(Path(__file__).with_name("0003_operator_actions.sql").read_text())
    # The lines of a settlement: for its report, and for the merchant who lists them.
    create_index("payables_settlement_idx", "payables (settlement_id, id) WHERE settlement_id IS NOT NULL")


def downgrade() -> None:
    raise NotImplementedError("without this, the record of manual actions is gone: restore a backup instead")
