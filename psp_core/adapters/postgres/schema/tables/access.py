"""The keys of the API."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from psp_core.adapters.postgres.schema.tables.kernel import INSTANT, MERCHANT, metadata

# Row-level security on transactions, payables and settlements is the migrations' alone: 0002_api_keys.sql.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text(collation="C"), nullable=False),
    Column("customer_id", MERCHANT, nullable=False),
    Column("mode", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("token_hmac", LargeBinary, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT),
    Column("revoked_at", INSTANT),
    Column("last_used_at", INSTANT),
    PrimaryKeyConstraint("id", name="api_keys_pkey"),
    CheckConstraint("id ~ '^[0-9A-Za-z]{16}$'", name="api_keys_id_check"),
    CheckConstraint("mode IN ('live', 'test')", name="api_keys_mode_check"),
    CheckConstraint("scopes <@ ARRAY['read', 'write'] AND cardinality(scopes) > 0", name="api_keys_scopes_check"),
    CheckConstraint("octet_length(token_hmac) = 32", name="api_keys_token_hmac_check"),
    Index("api_keys_merchant_idx", "customer_id", "created_at", "id"),
)
