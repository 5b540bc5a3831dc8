"""The transactions' status is a filter like the others."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    # As the driver's own statement: no colon or percent sign in it is a parameter.
    statements = Path(__file__).with_name("0005_status_in_the_list_index.sql").read_text()
    op.get_bind().connection.cursor().execute(statements)


def downgrade() -> None:
    bind = op.get_bind()
    bind.exec_driver_sql("DROP INDEX transactions_merchant_idx")
    bind.exec_driver_sql(
        "CREATE INDEX transactions_merchant_idx ON transactions (customer_id, id, amount_minor, payment_method)"
    )
