"""Refunds: signed payables with a source, what came back of a transaction, and how a settlement was poured."""

from pathlib import Path

from alembic import op

from psp_core.adapters.postgres.schema.migrations.online import (
    create_index,
    replace_check,
    replace_index,
    replace_unique,
    validate_constraint,
)

revision = "0015"
down_revision = "0014"

_ENTRIES = (
    "'capture', 'settle', 'close', 'opening', 'reversal', 'correction', 'refund', 'refund_reversal', 'recovery',"
    " 'reserve_release', 'write_off'"
)


def upgrade() -> None:
    bind = op.get_bind()
    # After it was killed below, this much is there.
    if not bind.exec_driver_sql("SELECT to_regclass('refunds') IS NOT NULL").scalar_one():
        # As the driver's own statement: no colon or percent sign in it is a parameter.
        bind.connection.cursor().execute(Path(__file__).with_name("0015_refunds.sql").read_text())
    validate_constraint("settlements_waterfall_check", on="settlements")
    validate_constraint("settlements_one_way_check", on="settlements")
    replace_check("ledger_entries", "ledger_entries_kind_check", f"kind IN ({_ENTRIES})")
    replace_check(
        "ledger_entries", "ledger_entries_source_check", "source IS NOT NULL OR kind IN ('capture', 'recovery')"
    )
    replace_index(
        "ledger_entries_once_key",
        "ledger_entries (source, kind, currency)"
        " WHERE kind IN ('close', 'opening', 'correction', 'refund', 'refund_reversal', 'write_off')",
        unique=True,
    )
    # Before the types: a drain of before makes credits, which have no source and are of all of these.
    replace_unique(
        "payables",
        "payables_transaction_installment_key",
        "(transaction_id, type, installment, source_id) NULLS NOT DISTINCT",
    )
    # What is refunded of a sale by debit card waits, and is not what was paid at once.
    replace_index(
        "payables_available_idx",
        "payables (due_on, customer_id, id)"
        " WHERE payment_method = 'debit_card' AND status = 'paid' AND settlement_id IS NULL",
    )
    create_index("payables_returned_idx", "payables (customer_id, id) WHERE source_id IS NOT NULL")
    create_index("payables_source_idx", "payables (source_id) WHERE source_id IS NOT NULL")
    replace_check(
        "payables",
        "payables_amount_check",
        "CASE type WHEN 'refund' THEN amount_minor < 0 ELSE amount_minor >= 0 END",
    )
    replace_check(
        "payables",
        "payables_fee_check",
        "CASE type WHEN 'refund' THEN fee_minor BETWEEN amount_minor AND 0"
        " ELSE fee_minor BETWEEN 0 AND amount_minor END",
    )
    replace_check("payables", "payables_source_check", "(source_id IS NULL) = (type = 'credit')")
    replace_check("payables", "payables_type_check", "type IN ('credit', 'refund', 'refund_reversal')")


def downgrade() -> None:
    raise NotImplementedError("refunds have posted, and settlements were poured: restore a backup instead")
