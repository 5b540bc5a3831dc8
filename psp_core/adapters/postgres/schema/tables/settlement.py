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

POURED = (
    "recovered_minor",
    "reserve_withheld_minor",
    "from_available_minor",
    "from_reserve_minor",
    "carried_minor",
)

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
    # How the rest of the net was poured, by its closing: into debt and reserve, or out of what there was.
    *(Column(name, BigInteger, nullable=False, server_default="0") for name in POURED),
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
        "to_available_minor IS NULL OR net_minor = to_available_minor + recovered_minor + reserve_withheld_minor"
        " - from_available_minor - from_reserve_minor - carried_minor",
        name="settlements_waterfall_check",
    ),
    CheckConstraint(
        "least(recovered_minor, reserve_withheld_minor, from_available_minor, from_reserve_minor, carried_minor) >= 0"
        " AND (from_available_minor + from_reserve_minor + carried_minor = 0"
        " OR coalesce(to_available_minor, 0) + recovered_minor + reserve_withheld_minor = 0)",
        name="settlements_one_way_check",
    ),
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

reserve_lots = Table(
    "reserve_lots",
    metadata,
    # What was kept back of it.
    Column("settlement_id", Uuid, nullable=False),
    Column("customer_id", MERCHANT, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    # What was neither released nor taken by a settlement below zero.
    Column("left_minor", BigInteger, nullable=False),
    Column("release_on", Date, nullable=False),
    PrimaryKeyConstraint("settlement_id", name="reserve_lots_pkey"),
    CheckConstraint("amount_minor > 0 AND left_minor BETWEEN 0 AND amount_minor", name="reserve_lots_left_check"),
    Index("reserve_lots_due_idx", "release_on", postgresql_where=text("left_minor > 0")),
    Index(
        "reserve_lots_merchant_idx", "customer_id", "currency", "release_on", postgresql_where=text("left_minor > 0")
    ),
)
