"""Transactions, and the keys that make a request count once."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
    text,
)

from psp_core.adapters.postgres.schema.tables.kernel import INSTANT, MERCHANT, metadata

transactions = Table(
    "transactions",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("customer_id", MERCHANT, nullable=False),
    Column("status", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("payment_method", Text, nullable=False),
    Column("installments", SmallInteger, nullable=False),
    Column("description", Text, nullable=False),
    Column("reference", Text),
    Column("card_holder_name", Text, nullable=False),
    Column("card_expires_on", Date, nullable=False),
    Column("card_last_four", Text, nullable=False),
    Column("card_brand", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("id", name="transactions_pkey"),
    CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000", name="transactions_amount_check"),
    CheckConstraint("status IN ('pending_payment', 'paid')", name="transactions_status_check"),
    CheckConstraint("payment_method IN ('credit_card', 'debit_card')", name="transactions_payment_method_check"),
    CheckConstraint("installments BETWEEN 1 AND 24", name="transactions_installments_check"),
    CheckConstraint("card_last_four ~ '^[0-9]{4}$'", name="transactions_card_last_four_check"),
    # The list's order, and the columns that it is filtered by: they are checked before a row is fetched.
    Index("transactions_merchant_idx", "customer_id", "id", "amount_minor", "payment_method", "status"),
    Index(
        "transactions_reference_idx",
        "customer_id",
        "reference",
        "id",
        postgresql_where=text("reference IS NOT NULL"),
    ),
    # Settlement changes the status of every row once: some of the new versions find room on their page.
    postgresql_with={"fillfactor": 80},
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("customer_id", MERCHANT, nullable=False),
    Column("key", String(255, collation="C"), nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("customer_id", "key", name="idempotency_keys_pkey"),
    Index("idempotency_keys_created_idx", "created_at", postgresql_using="brin"),
)
