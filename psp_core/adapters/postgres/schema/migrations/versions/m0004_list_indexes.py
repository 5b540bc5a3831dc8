"""Indexes for the filters of the merchants' lists."""

from alembic import op

from psp_core.adapters.postgres.schema.migrations.online import create_index, replace_index

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # The lists' filters are checked inside the index that gives the lists their order, before any row is
    # fetched: a fifth of the pages, and no further index to write on the way in. What settlement changes on
    # a transaction (its status) stays out, so that its row is changed in place.
    replace_index("transactions_merchant_idx", "transactions (customer_id, id, amount_minor, payment_method)")
    replace_index(
        "payables_merchant_idx", "payables (customer_id, id, status, payment_at, amount_minor, payment_method)"
    )
    # A reference finds few rows among all, so it is worth an index of its own; most have none.
    create_index("transactions_reference_idx", "transactions (customer_id, reference, id) WHERE reference IS NOT NULL")


def downgrade() -> None:
    bind = op.get_bind()
    bind.exec_driver_sql("DROP INDEX transactions_reference_idx, transactions_merchant_idx, payables_merchant_idx")
    bind.exec_driver_sql("CREATE INDEX transactions_merchant_idx ON transactions (customer_id, id)")
    bind.exec_driver_sql("CREATE INDEX payables_merchant_idx ON payables (customer_id, id)")
