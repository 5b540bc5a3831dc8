"""Refunds: which payables take back how much, what of the fee is returned, and when it is due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import start_of
from psp_core.domain.kernel.money import Money, written
from psp_core.domain.ledger.journal import Refunded
from psp_core.domain.payables import Payable, PayableStatus, PayableType
from psp_core.domain.pricing.refund_terms import CONTRACTS_REFUND_TERMS, RefundTerms
from psp_core.domain.pricing.terms import RefundFee

REASON_LENGTH_MAX = 500


class RefundStatus(StrEnum):
    SUCCEEDED = "succeeded"
    """It is booked, and the cardholder gets the money."""

    FAILED = "failed"
    """The cardholder did not get it: the merchant has it back."""


class Refund(NamedTuple):
    """What is given back of a transaction; `fee_returned` is what the merchant gets of the fee in exchange."""

    id: UUID
    transaction_id: UUID
    customer_id: str
    status: RefundStatus
    amount: Money
    fee_returned: Money
    reason: str | None
    reference: str | None
    failure_reason: str | None
    entry_id: UUID
    failed_entry_id: UUID | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RefundFilter:
    """None means any; `created_from` is inclusive and `created_before` exclusive."""

    status: RefundStatus | None = None
    transaction_id: UUID | None = None
    reference: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """What was captured of a transaction, and what of it was given back so far, in minor units."""

    captured_minor: int
    refunded_minor: int

    @property
    def left_minor(self) -> int:
        """Return what can still be given back."""
        return self.captured_minor - self.refunded_minor


class Part(NamedTuple):
    """What a refund takes back of one credit, in minor units."""

    credit: Payable
    amount_minor: int
    fee_minor: int


def refunded_by(refund: Refund, *, entry_id: UUID) -> Refunded:
    """Return what the entry posts of the refund, or of its failing."""
    return Refunded(
        entry_id,
        refund.id,
        refund.customer_id,
        refund.amount.currency,
        refund.amount.minor,
        refund.fee_returned.minor,
    )


def parts_of(amount_minor: int, payables: Iterable[Payable], *, terms: Mapping[UUID | None, RefundTerms]) -> list[Part]:
    """Return what a refund takes of each credit of a transaction, whose payables of every type are given.

    Waiting credits first, earliest due first; then paid ones, in the same order. Raises ValueError for more than
    is left.
    """
    rows = list(payables)
    parts: list[Part] = []
    left = amount_minor
    for credit in sorted((row for row in rows if row.type is PayableType.CREDIT), key=_turn):
        taken, returned = _taken(rows, credit.installment)
        part = min(left, credit.amount.minor - taken)
        if part > 0:
            kept = terms.get(credit.plan_id, CONTRACTS_REFUND_TERMS).fee is RefundFee.KEPT
            fee = 0 if kept else _fee_returned(credit, part, taken=taken, returned=returned)
            parts.append(Part(credit, part, fee))
            left -= part
    if left:
        raise ValueError(f"{left} more than is left of the transaction's payables")
    return parts


def refund_payables(
    parts: Sequence[Part],
    *,
    refund_id: UUID,
    entry_id: UUID,
    ids: Iterator[UUID],
    terms: Mapping[UUID | None, RefundTerms],
    today: date,
    zone: ZoneInfo,
    now: datetime,
) -> list[Payable]:
    """Return the negative payables of a refund: with the credit that it takes back while that waits, else due the next
    open day."""
    return [
        _derived(
            part.credit,
            PayableType.REFUND,
            -part.amount_minor,
            -part.fee_minor,
            due=_own_date(part.credit) or _next_open_day(part.credit, terms, today=today, zone=zone),
            id=id,
            source_id=refund_id,
            entry_id=entry_id,
            now=now,
        )
        for part, id in zip(parts, ids, strict=False)
    ]


def reversal_payables(
    refunded: Sequence[Payable],
    *,
    entry_id: UUID,
    ids: Iterator[UUID],
    terms: Mapping[UUID | None, RefundTerms],
    today: date,
    zone: ZoneInfo,
    now: datetime,
) -> list[Payable]:
    """Return the mirrors of a failed refund's payables, due the next open day.

    What a refund takes on a later date comes back on that date: the merchant is not paid before its credit is due.
    """
    made: list[Payable] = []
    for row, id in zip(refunded, ids, strict=False):
        due = _next_open_day(row, terms, today=today, zone=zone)
        own = _own_date(row)
        made.append(
            _derived(
                row,
                PayableType.REFUND_REVERSAL,
                -row.amount.minor,
                -row.fee.minor,
                due=own if own and own[0] > due[0] else due,
                id=id,
                source_id=row.source_id,
                entry_id=entry_id,
                now=now,
            )
        )
    return made


def told_payable(row: Payable) -> str:
    """Return a payable of a refund in one line."""
    currency = row.amount.currency
    return (
        f"  {row.type.value} {row.installment}/{row.installments}  due {row.due_on}  "
        f"{written(row.receivable.minor, currency)}"
    )


def _turn(credit: Payable) -> tuple[bool, date, int]:
    return credit.status is PayableStatus.PAID, credit.due_on, credit.installment


def _taken(rows: Iterable[Payable], installment: int) -> tuple[int, int]:
    """Return what was taken back of the installment so far, and what of its fee was returned, in minor units."""
    back = [row for row in rows if row.type is not PayableType.CREDIT and row.installment == installment]
    return -sum(row.amount.minor for row in back), -sum(row.fee.minor for row in back)


def _fee_returned(credit: Payable, part: int, *, taken: int, returned: int) -> int:
    """Return what of the fee comes back with `part`, so that no cent is left over when all is taken back.

    In proportion to all that was taken back; never more than the part itself, nor so little that the rest of the fee
    would be more than the rest of the amount, which a failed refund in between might bring about.
    """
    amount, fee = credit.amount.minor, credit.fee.minor
    wanted = fee * (taken + part) // amount - returned
    least = max(0, (fee - returned) - (amount - taken - part))
    return max(least, min(wanted, part, fee - returned))


def _own_date(row: Payable) -> tuple[date, datetime] | None:
    return (row.due_on, row.payment_at) if row.status is PayableStatus.WAITING_FUNDS else None


def _next_open_day(
    row: Payable, terms: Mapping[UUID | None, RefundTerms], *, today: date, zone: ZoneInfo
) -> tuple[date, datetime]:
    day = terms.get(row.plan_id, CONTRACTS_REFUND_TERMS).open_days.after(today, 1)
    return day, start_of(day, zone)


def _derived(
    row: Payable,
    type: PayableType,
    amount_minor: int,
    fee_minor: int,
    *,
    due: tuple[date, datetime],
    id: UUID,
    source_id: UUID | None,
    entry_id: UUID,
    now: datetime,
) -> Payable:
    """Return a payable of the same installment and rule, which waits for its own date."""
    currency = row.amount.currency
    return row._replace(
        id=id,
        type=type,
        status=PayableStatus.WAITING_FUNDS,
        amount=Money(amount_minor, currency),
        fee=Money(fee_minor, currency),
        receivable=Money(amount_minor - fee_minor, currency),
        payment_at=due[1],
        due_on=due[0],
        paid_at=None,
        settlement_id=None,
        created_at=now,
        updated_at=now,
        original_due_on=None,
        entry_id=entry_id,
        source_id=source_id,
    )
