"""The report's columns, after Adyen's settlement details report, and a line as their values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from psp_core.domain.kernel.currencies import DECIMAL_PLACES_MAX, Currency
from psp_core.domain.kernel.money import in_major_units
from psp_core.domain.settlement.report import ReportLine

# Room for the currency with the most decimal places; a CSV cell has as many as its own.
_MONEY = pa.decimal128(16 + DECIMAL_PLACES_MAX, DECIMAL_PLACES_MAX)

SCHEMA = pa.schema(
    [
        ("Merchant Account", pa.string()),
        ("Psp Reference", pa.string()),
        ("Merchant Reference", pa.string()),
        ("Payment Method", pa.string()),
        ("Creation Date", pa.timestamp("ms", tz="UTC")),
        ("TimeZone", pa.string()),
        ("Type", pa.string()),
        ("Modification Reference", pa.string()),
        ("Installment", pa.int16()),
        ("Gross Currency", pa.string()),
        ("Gross Debit (GC)", _MONEY),
        ("Gross Credit (GC)", _MONEY),
        ("Exchange Rate", _MONEY),
        ("Net Currency", pa.string()),
        ("Net Debit (NC)", _MONEY),
        ("Net Credit (NC)", _MONEY),
        ("Commission (NC)", _MONEY),
        ("Batch Number", pa.int32()),
        ("Settlement Id", pa.string()),
        ("Due Date", pa.date32()),
    ]
)
_ONE = Decimal("1.00")


def values_of(line: ReportLine, *, zone: ZoneInfo) -> tuple[Any, ...]:
    """Return the line's values in the schema's order."""
    batch = line.batch
    is_payables = line.payable_id is not None
    return (
        batch.customer_id,
        _text(line.transaction_id),
        line.reference,
        line.payment_method,
        line.created_at.astimezone(zone) if line.created_at else None,
        zone.key if line.created_at else None,
        line.type.value,
        _text(line.payable_id),
        line.installment,
        batch.currency.value if is_payables else None,
        _money(line.gross_debit_minor, batch.currency),
        _money(line.gross_credit_minor, batch.currency),
        _ONE if is_payables else None,
        batch.currency.value,
        _money(line.net_debit_minor, batch.currency),
        _money(line.net_credit_minor, batch.currency),
        _money(line.commission_minor, batch.currency),
        batch.sequence,
        str(batch.settlement_id),
        batch.due_on,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _money(minor: int | None, currency: Currency) -> Decimal | None:
    return None if minor is None else in_major_units(minor, currency)
