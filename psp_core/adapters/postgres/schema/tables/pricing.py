"""Merchants' terms."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, PrimaryKeyConstraint, SmallInteger, Table, Text

from psp_core.adapters.postgres.schema.tables.kernel import INSTANT, MERCHANT, metadata

fee_plans = Table(
    "fee_plans",
    metadata,
    Column("customer_id", MERCHANT, nullable=False),
    Column("effective_from", INSTANT, nullable=False),
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
