"""A role for Dagster's webserver, which records what is done on its pages."""

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    # As the driver's own statement: no colon or percent sign in it is a parameter.
    op.get_bind().connection.cursor().execute(Path(__file__).with_name("0011_webserver.sql").read_text())


def downgrade() -> None:
    bind = op.get_bind()
    bind.exec_driver_sql("REVOKE ALL ON operator_actions, operator_action_outcomes FROM psp_webserver")
    bind.exec_driver_sql("REVOKE SELECT (run_id, action) ON operator_actions FROM psp_webserver")
