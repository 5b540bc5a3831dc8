"""What settling a date now would change in what is stored, and what is stored without its lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from psp_core.domain.settlement.settlements import MerchantTotals, Totals, merge_merchants


@dataclass(frozen=True, slots=True)
class SettlementDifference:
    """By merchant: the lines that would be added to what is stored, and those that are missing in it."""

    due_on: date
    added: list[MerchantTotals]
    missing: list[MerchantTotals]
    """What the stored settlements say they hold, less the lines that there are; below zero there are more."""


def missing_lines(stored: Iterable[MerchantTotals], lines: Iterable[MerchantTotals]) -> list[MerchantTotals]:
    """Return what is stored less its lines, of each merchant and currency where that is not nothing."""
    found = [MerchantTotals(each.customer_id, each.currency, -each.totals) for each in lines]
    return [each for each in merge_merchants([*stored, *found]) if each.totals != Totals()]
