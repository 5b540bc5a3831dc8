"""Who has what, and since when nothing of a day changes any more."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from psp_core.adapters.postgres.schema.tables.kernel import INSTANT, MERCHANT, metadata

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
    Column("source", Text),
    Column("reverses_id", Uuid),
    PrimaryKeyConstraint("id", name="ledger_entries_pkey"),
    UniqueConstraint("reverses_id", name="ledger_entries_reverses_key"),
    CheckConstraint(
        "kind IN ('capture', 'settle', 'close', 'opening', 'reversal', 'correction', 'refund', 'refund_reversal',"
        " 'recovery', 'reserve_release', 'write_off')",
        name="ledger_entries_kind_check",
    ),
    CheckConstraint("source IS NOT NULL OR kind IN ('capture', 'recovery')", name="ledger_entries_source_check"),
    CheckConstraint("(reverses_id IS NOT NULL) = (kind = 'reversal')", name="ledger_entries_reverses_check"),
    Index("ledger_entries_day_idx", "effective_on", "id"),
    Index(
        "ledger_entries_once_key",
        "source",
        "kind",
        "currency",
        unique=True,
        postgresql_where=text("kind IN ('close', 'opening', 'correction', 'refund', 'refund_reversal', 'write_off')"),
    ),
)

ledger_postings = Table(
    "ledger_postings",
    metadata,
    # No foreign key: an entry and its postings are inserted by one statement, and the books are checked.
    Column("entry_id", Uuid, nullable=False),
    Column("account", Text, nullable=False),
    Column("customer_id", MERCHANT),
    Column("side", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    CheckConstraint(
        "account IN ('acquirer_receivable', 'settlement_bank', 'merchant_receivable', 'merchant_pending',"
        " 'merchant_settling', 'merchant_available', 'merchant_reserve', 'payout_in_transit', 'fee_revenue',"
        " 'anticipation_revenue', 'suspense', 'bank_difference', 'write_off')",
        name="ledger_postings_account_check",
    ),
    CheckConstraint("side IN ('debit', 'credit')", name="ledger_postings_side_check"),
    CheckConstraint("amount_minor > 0", name="ledger_postings_amount_check"),
    CheckConstraint(
        "(customer_id IS NOT NULL) = (account IN ('merchant_receivable', 'merchant_pending', 'merchant_settling',"
        " 'merchant_available', 'merchant_reserve', 'payout_in_transit'))",
        name="ledger_postings_merchant_check",
    ),
    # At once the key and the only index: the platform's own postings have no merchant, and are unique, too.
    Index(
        "ledger_postings_key",
        "entry_id",
        "account",
        "customer_id",
        "side",
        unique=True,
        postgresql_nulls_not_distinct=True,
    ),
)

ledger_balances = Table(
    "ledger_balances",
    metadata,
    Column("customer_id", MERCHANT, nullable=False),
    Column("currency", Text, nullable=False),
    Column("pending_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("settling_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("available_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("reserve_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("in_transit_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("debt_minor", BigInteger, nullable=False, server_default=text("0")),
    # The business date from which on there was debt all the time; null without any.
    Column("debt_since", Date),
    PrimaryKeyConstraint("customer_id", "currency", name="ledger_balances_pkey"),
    CheckConstraint(
        "available_minor >= 0 AND reserve_minor >= 0 AND in_transit_minor >= 0 AND debt_minor >= 0",
        name="ledger_balances_negative_check",
    ),
    CheckConstraint("debt_minor = 0 OR available_minor = 0", name="ledger_balances_debt_check"),
    # Updated by every commit of the merchant's: room on the page, so that the row stays on it.
    postgresql_with={"fillfactor": 50, "autovacuum_vacuum_scale_factor": 0.05},
)

ledger_days = Table(
    "ledger_days",
    metadata,
    Column("day", Date, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("totals", JSONB, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("sealed_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("day", name="ledger_days_pkey"),
    # A chain has no branches.
    UniqueConstraint("previous_hash", name="ledger_days_previous_key"),
    CheckConstraint("octet_length(hash) = 32 AND octet_length(previous_hash) = 32", name="ledger_days_hash_check"),
)

ledger_sealed_balances = Table(
    "ledger_sealed_balances",
    metadata,
    Column("customer_id", MERCHANT, nullable=False),
    Column("currency", Text, nullable=False),
    Column("sealed_on", Date, nullable=False),
    Column("pending_minor", BigInteger, nullable=False),
    Column("settling_minor", BigInteger, nullable=False),
    Column("available_minor", BigInteger, nullable=False),
    Column("reserve_minor", BigInteger, nullable=False),
    Column("in_transit_minor", BigInteger, nullable=False),
    Column("debt_minor", BigInteger, nullable=False),
    PrimaryKeyConstraint("customer_id", "currency", "sealed_on", name="ledger_sealed_balances_pkey"),
)

ledger_state = Table(
    "ledger_state",
    metadata,
    # One row, or none while nothing is closed and nothing was to be opened.
    Column("is_the_one", Boolean, nullable=False, server_default=text("true")),
    Column("closed_until", Date),
    Column("opened_until", Uuid, nullable=False),
    Column("opening_ended_at", INSTANT),
    PrimaryKeyConstraint("is_the_one", name="ledger_state_pkey"),
    CheckConstraint("is_the_one", name="ledger_state_single_check"),
)

write_offs = Table(
    "write_offs",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("customer_id", MERCHANT, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", INSTANT, nullable=False),
    Column("released_by", Text),
    Column("released_at", INSTANT),
    Column("entry_id", Uuid),
    PrimaryKeyConstraint("id", name="write_offs_pkey"),
    CheckConstraint("amount_minor > 0", name="write_offs_amount_check"),
    CheckConstraint("released_by <> requested_by", name="write_offs_two_people_check"),
    CheckConstraint(
        "(released_by IS NULL) = (released_at IS NULL) AND (released_by IS NULL) = (entry_id IS NULL)",
        name="write_offs_released_check",
    ),
)
