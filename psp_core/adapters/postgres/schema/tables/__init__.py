"""The tables, a file a feature, with every constraint named: a CHECK restates a rule of the domain.

The adapters take names and types of their columns from here. `psp migrate` creates the tables; `make lint` compares the
migrations' outcome with these files.
"""

from __future__ import annotations

from psp_core.adapters.postgres.schema.tables.access import api_keys
from psp_core.adapters.postgres.schema.tables.events import outbox
from psp_core.adapters.postgres.schema.tables.intake import idempotency_keys, transactions
from psp_core.adapters.postgres.schema.tables.kernel import metadata
from psp_core.adapters.postgres.schema.tables.ledger import (
    ledger_balances,
    ledger_days,
    ledger_entries,
    ledger_postings,
    ledger_sealed_balances,
    ledger_state,
    write_offs,
)
from psp_core.adapters.postgres.schema.tables.operations import (
    leases,
    operator_action_outcomes,
    operator_actions,
    platform_settings,
)
from psp_core.adapters.postgres.schema.tables.payables import payables
from psp_core.adapters.postgres.schema.tables.pricing import fee_plans, holidays, merchant_terms, plan_rules
from psp_core.adapters.postgres.schema.tables.refunds import refunds, returned_amounts
from psp_core.adapters.postgres.schema.tables.settlement import reserve_lots, settlement_reports, settlements

__all__ = [
    "api_keys",
    "fee_plans",
    "holidays",
    "idempotency_keys",
    "leases",
    "ledger_balances",
    "ledger_days",
    "ledger_entries",
    "ledger_postings",
    "ledger_sealed_balances",
    "ledger_state",
    "merchant_terms",
    "metadata",
    "operator_action_outcomes",
    "operator_actions",
    "outbox",
    "payables",
    "plan_rules",
    "platform_settings",
    "refunds",
    "reserve_lots",
    "returned_amounts",
    "settlement_reports",
    "settlements",
    "transactions",
    "write_offs",
]
