"""Merchants' terms."""

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
    Uuid,
    literal_column,
)
from sqlalchemy.dialects.postgresql import INT4RANGE, TSTZRANGE, ExcludeConstraint

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

plan_rules = Table(
    "plan_rules",
    metadata,
    Column("id", Uuid, nullable=False),
    # Of the sales that a rule is for: NULL is any.
    Column("customer_id", MERCHANT),
    Column("payment_method", Text),
    Column("card_brand", Text),
    Column("currency", Text),
    Column("installments", INT4RANGE),
    Column("fee_bps", SmallInteger, nullable=False),
    Column("fee_fixed_minor", BigInteger, nullable=False),
    Column("fee_min_minor", BigInteger, nullable=False),
    Column("fee_max_minor", BigInteger),
    Column("rounding", Text, nullable=False),
    Column("fee_basis", Text, nullable=False),
    Column("delay", SmallInteger, nullable=False),
    Column("delay_unit", Text, nullable=False),
    Column("step", SmallInteger, nullable=False),
    Column("step_unit", Text, nullable=False),
    Column("calendar", Text, nullable=False),
    Column("roll", Text, nullable=False),
    # NULL is the platform's time zone.
    Column("zone", Text),
    Column("closes_at", Text, nullable=False),
    Column("paid_from", Text, nullable=False),
    Column("valid", TSTZRANGE, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    # When its end was decided, which is never after the end itself.
    Column("ended_at", INSTANT),
    # Whether what was kept of a sale comes back with a refund.
    Column("refund_fee", Text, nullable=False, server_default="returned"),
    PrimaryKeyConstraint("id", name="plan_rules_pkey"),
    CheckConstraint("refund_fee IN ('returned', 'kept')", name="plan_rules_refund_fee_check"),
    CheckConstraint("payment_method IN ('credit_card', 'debit_card')", name="plan_rules_payment_method_check"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="plan_rules_currency_check"),
    CheckConstraint(
        "installments <@ '[1,25)'::int4range AND NOT isempty(installments)", name="plan_rules_installments_check"
    ),
    CheckConstraint(
        "fee_bps BETWEEN 0 AND 10000 AND fee_fixed_minor >= 0 AND fee_min_minor >= 0"
        " AND fee_max_minor >= fee_min_minor",
        name="plan_rules_fee_check",
    ),
    CheckConstraint(
        "currency IS NOT NULL OR (fee_fixed_minor = 0 AND fee_min_minor = 0 AND fee_max_minor IS NULL)",
        name="plan_rules_amounts_check",
    ),
    CheckConstraint("rounding IN ('down', 'half_up', 'half_even')", name="plan_rules_rounding_check"),
    CheckConstraint("fee_basis IN ('whole', 'installment')", name="plan_rules_fee_basis_check"),
    CheckConstraint(
        "delay BETWEEN 0 AND 365 AND delay_unit IN ('days', 'business_days', 'months')"
        " AND (delay = 0 OR payment_method IS DISTINCT FROM 'debit_card')",
        name="plan_rules_delay_check",
    ),
    CheckConstraint("step BETWEEN 0 AND 365 AND step_unit IN ('days', 'months')", name="plan_rules_step_check"),
    CheckConstraint("calendar IN ('every_day', 'brazil')", name="plan_rules_calendar_check"),
    CheckConstraint(
        "roll IN ('none', 'following') AND (roll = 'none') = (calendar = 'every_day')", name="plan_rules_roll_check"
    ),
    CheckConstraint("closes_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]([+]1)?$'", name="plan_rules_closes_at_check"),
    CheckConstraint("paid_from IN ('capture', 'start_of_day')", name="plan_rules_paid_from_check"),
    CheckConstraint("length(trim(reason)) BETWEEN 1 AND 1000", name="plan_rules_reason_check"),
    CheckConstraint("lower(valid) >= created_at", name="plan_rules_begin_check"),
    CheckConstraint(
        "upper_inf(valid) = (ended_at IS NULL) AND (ended_at IS NULL OR isempty(valid) OR upper(valid) >= ended_at)",
        name="plan_rules_end_check",
    ),
    ExcludeConstraint(
        (literal_column("(COALESCE(customer_id, ''))"), "="),
        (literal_column("(COALESCE(payment_method, ''))"), "="),
        (literal_column("(COALESCE(card_brand, ''))"), "="),
        (literal_column("(COALESCE(currency, ''))"), "="),
        (literal_column("((installments IS NULL)::int)"), "="),
        (literal_column("(COALESCE(installments, '[1,25)'::int4range))"), "&&"),
        ("valid", "&&"),
        name="plan_rules_no_overlap",
        using="gist",
    ),
    Index("plan_rules_merchant_idx", "customer_id"),
)

merchant_terms = Table(
    "merchant_terms",
    metadata,
    Column("customer_id", MERCHANT, nullable=False),
    Column("currency", Text, nullable=False),
    # How far below nothing a refund may take what the merchant has in all; NULL is no limit.
    Column("negative_limit_minor", BigInteger),
    # What is kept back of a settlement, of its payables above zero, and for how long.
    Column("reserve_bps", SmallInteger, nullable=False),
    Column("reserve_days", SmallInteger, nullable=False),
    Column("updated_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("customer_id", "currency", name="merchant_terms_pkey"),
    CheckConstraint("negative_limit_minor >= 0", name="merchant_terms_limit_check"),
    CheckConstraint(
        "reserve_bps BETWEEN 0 AND 10000 AND reserve_days BETWEEN 0 AND 365 AND (reserve_bps = 0) = (reserve_days = 0)",
        name="merchant_terms_reserve_check",
    ),
)

holidays = Table(
    "holidays",
    metadata,
    Column("calendar", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    PrimaryKeyConstraint("calendar", "day", name="holidays_pkey"),
    CheckConstraint("calendar IN ('brazil')", name="holidays_calendar_check"),
    CheckConstraint("length(trim(reason)) BETWEEN 1 AND 1000", name="holidays_reason_check"),
)
