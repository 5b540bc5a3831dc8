"""What was given back of transactions."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, PrimaryKeyConstraint, Table, Text, Uuid

from psp_core.adapters.postgres.schema.tables.kernel import INSTANT, MERCHANT, metadata

returned_amounts = Table(
    "returned_amounts",
    metadata,
    # One row a transaction of which anything came back: what is done to one sale waits for it.
    Column("transaction_id", Uuid, nullable=False),
    Column("customer_id", MERCHANT, nullable=False),
    Column("captured_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    PrimaryKeyConstraint("transaction_id", name="returned_amounts_pkey"),
    CheckConstraint("refunded_minor BETWEEN 0 AND captured_minor", name="returned_amounts_refunded_check"),
)

refunds = Table(
    "refunds",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("transaction_id", Uuid, nullable=False),
    Column("customer_id", MERCHANT, nullable=False),
    Column("status", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("fee_returned_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("reason", Text),
    Column("reference", Text),
    Column("failure_reason", Text),
    Column("entry_id", Uuid, nullable=False),
    # The entry that took it back when it failed.
    Column("failed_entry_id", Uuid),
    Column("created_at", INSTANT, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("id", name="refunds_pkey"),
    CheckConstraint("status IN ('succeeded', 'failed')", name="refunds_status_check"),
    CheckConstraint("amount_minor > 0", name="refunds_amount_check"),
    CheckConstraint("fee_returned_minor BETWEEN 0 AND amount_minor", name="refunds_fee_check"),
    CheckConstraint(
        "(status = 'failed') = (failure_reason IS NOT NULL) AND (status = 'failed') = (failed_entry_id IS NOT NULL)",
        name="refunds_failed_check",
    ),
    Index("refunds_merchant_idx", "customer_id", "id"),
    Index("refunds_transaction_idx", "transaction_id"),
)
