"""The rules of prices, emergency holidays, and up to 24 installments."""

from pathlib import Path

from alembic import op

from psp_core.adapters.postgres.schema.migrations.online import replace_check

revision = "0013"
down_revision = "0011"


def upgrade() -> None:
    replace_check("transactions", "transactions_installments_check", "installments BETWEEN 1 AND 24")
    # As the driver's own statement: no colon or percent sign in it is a parameter.
    op.get_bind().connection.cursor().execute(Path(__file__).with_name("0013_plan_rules.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("payables name the rules that priced them: restore a backup instead")
