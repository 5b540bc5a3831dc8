"""What the statements of a settlement's chunks share: their parameters, and their rows as totals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psp_core.domain.kernel.money import Currency
from psp_core.domain.settlement.settlements import Due, MerchantTotals, Totals, merge_merchants

FIRST_POSITION = ("", UUID(int=0))
"""Before every payable, in the order of customer and id."""


def as_array(merchants: Sequence[str] | None) -> list[str] | None:
    """Return the merchants as a parameter; None means all."""
    return None if merchants is None else list(merchants)


def totals(row: Sequence[Any]) -> MerchantTotals:
    """Return a row that begins with customer, currency, count, gross, fee and net."""
    return MerchantTotals(row[0], Currency(row[1]), Totals(row[2], row[3], row[4], row[5]))


def as_due(rows: Sequence[Any]) -> Due:
    """Return such rows, whose `controlled` says whether the control total counts them, as what is to be done."""
    return Due(
        merge_merchants(totals(row) for row in rows),
        merge_merchants(totals(row) for row in rows if row.controlled),
    )
