"""Indexes for the filters of the merchants' lists."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # As the driver's own statement: no colon or percent sign in it is a parameter.
    op.get_bind().connection.cursor().execute(Path(__file__).with_name("0004_list_indexes.sql").read_text())


def downgrade() -> None:
    bind = op.get_bind()
    bind.exec_driver_sql("DROP INDEX transactions_reference_idx, transactions_merchant_idx, payables_merchant_idx")
    bind.exec_driver_sql("CREATE INDEX transactions_merchant_idx ON transactions (customer_id, id)")
    bind.exec_driver_sql("CREATE INDEX payables_merchant_idx ON payables (customer_id, id)")
