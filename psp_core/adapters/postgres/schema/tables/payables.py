"""What merchants get, and when."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from psp_core.adapters.postgres.schema.tables.kernel import INSTANT, MERCHANT, metadata

payables = Table(
    "payables",
    metadata,
    Column("id", Uuid, nullable=False),
    # No foreign key: it would lock and rewrite the transaction's row for every payable. They are
    # made from stored transactions, which are never deleted, and the books are checked for strays.
    Column("transaction_id", Uuid, nullable=False),
    Column("customer_id", MERCHANT, nullable=False),
    Column("type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("payment_method", Text, nullable=False),
    Column("installment", SmallInteger, nullable=False),
    Column("installments", SmallInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("fee_bps", SmallInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("receivable_minor", BigInteger, nullable=False),
    Column("payment_at", INSTANT, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("paid_at", INSTANT),
    Column("settlement_id", Uuid),
    Column("created_at", INSTANT, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    # The rule that priced it, which may be the contract's own, that is in no table; NULL before there were rules.
    Column("plan_id", Uuid),
    Column("original_due_on", Date),
    # The entry of its capture; null where an opening entry books it.
    Column("entry_id", Uuid),
    # What it comes from: a refund, for instance; null where that is the transaction itself.
    Column("source_id", Uuid),
    PrimaryKeyConstraint("id", name="payables_pkey"),
    # Credits have no source, and are unique without one.
    UniqueConstraint(
        "transaction_id",
        "type",
        "installment",
        "source_id",
        name="payables_transaction_installment_key",
        postgresql_nulls_not_distinct=True,
    ),
    CheckConstraint("type IN ('credit', 'refund', 'refund_reversal')", name="payables_type_check"),
    CheckConstraint("(source_id IS NULL) = (type = 'credit')", name="payables_source_check"),
    CheckConstraint("status IN ('waiting_funds', 'paid')", name="payables_status_check"),
    CheckConstraint("installment BETWEEN 1 AND installments", name="payables_installment_check"),
    CheckConstraint(
        "CASE type WHEN 'refund' THEN amount_minor < 0 ELSE amount_minor >= 0 END", name="payables_amount_check"
    ),
    CheckConstraint(
        "CASE type WHEN 'refund' THEN fee_minor BETWEEN amount_minor AND 0"
        " ELSE fee_minor BETWEEN 0 AND amount_minor END",
        name="payables_fee_check",
    ),
    CheckConstraint("receivable_minor = amount_minor - fee_minor", name="payables_receivable_check"),
    CheckConstraint("(status = 'paid') = (paid_at IS NOT NULL)", name="payables_paid_check"),
    CheckConstraint("settlement_id IS NULL OR status = 'paid'", name="payables_settled_check"),
    Index("payables_merchant_idx", "customer_id", "id", "status", "payment_at", "amount_minor", "payment_method"),
    Index("payables_due_idx", "due_on", "customer_id", "id", postgresql_where=text("status = 'waiting_funds'")),
    Index(
        "payables_available_idx",
        "due_on",
        "customer_id",
        "id",
        postgresql_where=text("payment_method = 'debit_card' AND status = 'paid' AND settlement_id IS NULL"),
    ),
    # What came back: few rows among all.
    Index("payables_returned_idx", "customer_id", "id", postgresql_where=text("source_id IS NOT NULL")),
    Index("payables_source_idx", "source_id", postgresql_where=text("source_id IS NOT NULL")),
    Index("payables_settlement_idx", "settlement_id", "id", postgresql_where=text("settlement_id IS NOT NULL")),
)
