"""The time zone that is chosen once, and which version of each settlement report is published."""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    # As the driver's own statement: no colon or percent sign in it is a parameter.
    op.get_bind().connection.cursor().execute(Path(__file__).with_name("0009_settings_and_reports.sql").read_text())


def downgrade() -> None:
    op.get_bind().exec_driver_sql("DROP TABLE settlement_reports, platform_settings")
