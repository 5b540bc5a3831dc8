"""The tables, with every constraint named: a CHECK restates a rule of the domain.

`psp migrate` creates them; `make lint` compares the migrations' outcome with this file.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

# Codepoint order, the same in every database and in Python: settlement pages by merchant.
_merchant = String(255, collation="C")
_instant = DateTime(timezone=True)

transactions = Table(
    "transactions",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("customer_id", _merchant, nullable=False),
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
    Column("created_at", _instant, nullable=False),
    Column("updated_at", _instant, nullable=False),
    PrimaryKeyConstraint("id", name="transactions_pkey"),
    CheckConstraint("amount_minor BETWEEN 1 AND 1000000000000", name="transactions_amount_check"),
    CheckConstraint("status IN ('pending_payment', 'paid')", name="transactions_status_check"),
    CheckConstraint("payment_method IN ('credit_card', 'debit_card')", name="transactions_payment_method_check"),
    CheckConstraint("installments BETWEEN 1 AND 12", name="transactions_installments_check"),
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

payables = Table(
    "payables",
    metadata,
    Column("id", Uuid, nullable=False),
    # No foreign key: it would lock and rewrite the transaction's row for every payable. They are
    # made from stored transactions, which are never deleted, and the books are checked for strays.
    Column("transaction_id", Uuid, nullable=False),
    Column("customer_id", _merchant, nullable=False),
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
    Column("payment_at", _instant, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("paid_at", _instant),
    Column("settlement_id", Uuid),
    Column("created_at", _instant, nullable=False),
    Column("updated_at", _instant, nullable=False),
    PrimaryKeyConstraint("id", name="payables_pkey"),
    UniqueConstraint("transaction_id", "type", "installment", name="payables_transaction_installment_key"),
    CheckConstraint("type IN ('credit')", name="payables_type_check"),
    CheckConstraint("status IN ('waiting_funds', 'paid')", name="payables_status_check"),
    CheckConstraint("installment BETWEEN 1 AND installments", name="payables_installment_check"),
    CheckConstraint("amount_minor >= 0", name="payables_amount_check"),
    CheckConstraint("fee_minor BETWEEN 0 AND amount_minor", name="payables_fee_check"),
    CheckConstraint("receivable_minor = amount_minor - fee_minor", name="payables_receivable_check"),
    CheckConstraint("(status = 'paid') = (paid_at IS NOT NULL)", name="payables_paid_check"),
    CheckConstraint("settlement_id IS NULL OR status = 'paid'", name="payables_settled_check"),
    Index("payables_merchant_idx", "customer_id", "id", "status", "payment_at", "amount_minor", "payment_method"),
    Index("payables_due_idx", "due_on", "customer_id", "id", postgresql_where=text("status = 'waiting_funds'")),
    Index("payables_settlement_idx", "settlement_id", "id", postgresql_where=text("settlement_id IS NOT NULL")),
)

settlements = Table(
    "settlements",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("customer_id", _merchant, nullable=False),
    Column("currency", Text, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("sequence", SmallInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("payable_count", BigInteger, nullable=False),
    Column("gross_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    Column("created_at", _instant, nullable=False),
    Column("closed_at", _instant),
    PrimaryKeyConstraint("id", name="settlements_pkey"),
    UniqueConstraint("due_on", "customer_id", "currency", "sequence", name="settlements_sequence_key"),
    CheckConstraint("status IN ('open', 'closed')", name="settlements_status_check"),
    CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="settlements_closed_check"),
    CheckConstraint("payable_count > 0 AND sequence > 0", name="settlements_count_check"),
    CheckConstraint("gross_minor = fee_minor + net_minor", name="settlements_balance_check"),
    Index(
        "settlements_open_key",
        "due_on",
        "customer_id",
        "currency",
        unique=True,
        postgresql_where=text("status = 'open'"),
    ),
    Index("settlements_merchant_idx", "customer_id", "id"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("transaction_ids", ARRAY(Uuid), nullable=False),
    Column("traceparent", Text),
    Column("created_at", _instant, nullable=False),
    PrimaryKeyConstraint("id", name="outbox_pkey"),
    # A queue in a table: dead rows pile up at its head, so they are vacuumed early.
    postgresql_with={"autovacuum_vacuum_scale_factor": 0.0, "autovacuum_vacuum_threshold": 2000},
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("customer_id", _merchant, nullable=False),
    Column("key", String(255, collation="C"), nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("created_at", _instant, nullable=False),
    PrimaryKeyConstraint("customer_id", "key", name="idempotency_keys_pkey"),
    Index("idempotency_keys_created_idx", "created_at", postgresql_using="brin"),
)

fee_plans = Table(
    "fee_plans",
    metadata,
    Column("customer_id", _merchant, nullable=False),
    Column("effective_from", _instant, nullable=False),
    Column("credit_fee_bps", SmallInteger, nullable=False),
    Column("debit_fee_bps", SmallInteger, nullable=False),
    Column("credit_delay_days", SmallInteger, nullable=False),
    Column("calendar", Text, nullable=False),
    PrimaryKeyConstraint("customer_id", "effective_from", name="fee_plans_pkey"),
    CheckConstraint("credit_fee_bps BETWEEN 0 AND 10000", name="fee_plans_credit_fee_check"),
    CheckConstraint("debit_fee_bps BETWEEN 0 AND 10000", name="fee_plans_debit_fee_check"),
    CheckConstraint("credit_delay_days BETWEEN 0 AND 365", name="fee_plans_credit_delay_check"),
    CheckConstraint("calendar IN ('every_day', 'brazil')", name="fee_plans_calendar_check"),
)

# Row-level security on transactions, payables and settlements is the migrations' alone: 0002_api_keys.sql.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text(collation="C"), nullable=False),
    Column("customer_id", _merchant, nullable=False),
    Column("mode", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("token_hmac", LargeBinary, nullable=False),
    Column("created_at", _instant, nullable=False),
    Column("expires_at", _instant),
    Column("revoked_at", _instant),
    Column("last_used_at", _instant),
    PrimaryKeyConstraint("id", name="api_keys_pkey"),
    CheckConstraint("id ~ '^[0-9A-Za-z]{16}$'", name="api_keys_id_check"),
    CheckConstraint("mode IN ('live', 'test')", name="api_keys_mode_check"),
    CheckConstraint("scopes <@ ARRAY['read', 'write'] AND cardinality(scopes) > 0", name="api_keys_scopes_check"),
    CheckConstraint("octet_length(token_hmac) = 32", name="api_keys_token_hmac_check"),
    Index("api_keys_merchant_idx", "customer_id", "created_at", "id"),
)

operator_actions = Table(
    "operator_actions",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("action", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("created_at", _instant, nullable=False),
    Column("actor", Text),
    PrimaryKeyConstraint("id", name="operator_actions_pkey"),
    UniqueConstraint("run_id", "action", name="operator_actions_run_key"),
    CheckConstraint("length(trim(reason)) BETWEEN 1 AND 1000", name="operator_actions_reason_check"),
)

operator_action_outcomes = Table(
    "operator_action_outcomes",
    metadata,
    Column("action_id", Uuid, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("created_at", _instant, nullable=False),
    PrimaryKeyConstraint("action_id", name="operator_action_outcomes_pkey"),
    ForeignKeyConstraint(["action_id"], ["operator_actions.id"], name="operator_action_outcomes_action_fkey"),
    CheckConstraint("outcome IN ('done', 'refused', 'failed')", name="operator_action_outcomes_outcome_check"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, nullable=False),
    Column("token", Uuid, nullable=False),
    Column("holder", Text, nullable=False),
    Column("first_due_on", Date),
    Column("last_due_on", Date),
    Column("taken_at", _instant, nullable=False),
    Column("lapses_at", _instant, nullable=False),
    PrimaryKeyConstraint("name", name="leases_pkey"),
    UniqueConstraint("token", name="leases_token_key"),
    CheckConstraint(
        "(first_due_on IS NULL) = (last_due_on IS NULL) AND first_due_on <= last_due_on", name="leases_due_dates_check"
    ),
    CheckConstraint("lapses_at > taken_at", name="leases_lapse_check"),
)

platform_settings = Table(
    "platform_settings",
    metadata,
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("set_at", _instant, nullable=False),
    PrimaryKeyConstraint("name", name="platform_settings_pkey"),
    CheckConstraint("name IN ('time_zone')", name="platform_settings_name_check"),
)

settlement_reports = Table(
    "settlement_reports",
    metadata,
    Column("due_on", Date, nullable=False),
    # How many payables the report holds: a date's settlements only ever gain some, so more is newer.
    Column("version", BigInteger, nullable=False),
    Column("format", SmallInteger, nullable=False),
    Column("folder", Text, nullable=False),
    Column("files", JSONB, nullable=False),
    Column("published_at", _instant, nullable=False),
    PrimaryKeyConstraint("due_on", name="settlement_reports_pkey"),
    CheckConstraint("version >= 0 AND format > 0", name="settlement_reports_version_check"),
)
