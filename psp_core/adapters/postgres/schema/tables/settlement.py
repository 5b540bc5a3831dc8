"""What merchants were paid, and which report of it counts."""

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
from sqlalchemy.dialects.postgresql import JSONB

from psp_core.adapters.postgres.schema.tables.kernel import INSTANT, MERCHANT, metadata

settlements = Table(
    "settlements",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("customer_id", MERCHANT, nullable=False),
    Column("currency", Text, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("sequence", SmallInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("payable_count", BigInteger, nullable=False),
    Column("gross_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("net_minor", BigInteger, nullable=False),
    # Beside those, which are paid out: what was paid at once on the date.
    Column("available_count", BigInteger, nullable=False, server_default="0"),
    Column("available_gross_minor", BigInteger, nullable=False, server_default="0"),
    Column("available_fee_minor", BigInteger, nullable=False, server_default="0"),
    Column("available_net_minor", BigInteger, nullable=False, server_default="0"),
    Column("created_at", INSTANT, nullable=False),
    Column("closed_at", INSTANT),
    # The entry of its first chunk; all zeros where it is older than the ledger, and all ones where it was opened for
    # what was already available, which posts nothing.
    Column("opened_entry_id", Uuid, nullable=False),
    # The entry of its closing, if that moved anything, and what became available by it.
    Column("entry_id", Uuid),
    Column("to_available_minor", BigInteger),
    PrimaryKeyConstraint("id", name="settlements_pkey"),
    UniqueConstraint("due_on", "customer_id", "currency", "sequence", name="settlements_sequence_key"),
    CheckConstraint("status IN ('open', 'closed')", name="settlements_status_check"),
    CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="settlements_closed_check"),
    CheckConstraint(
        "payable_count >= 0 AND available_count >= 0 AND payable_count + available_count > 0 AND sequence > 0",
        name="settlements_count_check",
    ),
    CheckConstraint("gross_minor = fee_minor + net_minor", name="settlements_balance_check"),
    CheckConstraint(
        "available_gross_minor = available_fee_minor + available_net_minor", name="settlements_available_check"
    ),
    Index(
        "settlements_open_key",
        "due_on",
        "customer_id",
        "currency",
        unique=True,
        postgresql_where=text("status = 'open'"),
    ),
    Index("settlements_merchant_idx", "customer_id", "id"),
    # For the books: what was closed since the last sealed day, whenever it was opened.
    Index("settlements_closed_idx", "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
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
    Column("published_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("due_on", name="settlement_reports_pkey"),
    CheckConstraint("version >= 0 AND format > 0", name="settlement_reports_version_check"),
)
