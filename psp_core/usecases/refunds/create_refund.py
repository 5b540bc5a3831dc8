"""Refund a transaction, all of it or a part: in one commit, once for each idempotency key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from psp_core.domain.intake.idempotency import IdempotencyKey, KeyClaim, in_progress
from psp_core.domain.kernel.calendar import due_date
from psp_core.domain.kernel.errors import (
    AlreadyRefunded,
    IdempotencyKeyReused,
    InsufficientFunds,
    LedgerNotOpen,
    NotFound,
    RefundExceedsCaptured,
    TransactionNotReady,
)
from psp_core.domain.kernel.money import Money
from psp_core.domain.ledger.balances import Balance
from psp_core.domain.ledger.journal import refund_entry
from psp_core.domain.payables import Payable, PayableType
from psp_core.domain.refunds import Refund, RefundStatus, Returned, parts_of, refund_payables, refunded_by
from psp_core.ports.kernel import Clock, Ids
from psp_core.ports.store import Store, UnitOfWork


@dataclass(frozen=True, slots=True)
class NewRefund:
    """What a merchant asks for; without an amount, in minor units, all that is left."""

    customer_id: str
    transaction_id: UUID
    amount_minor: int | None = None
    reason: str | None = None
    reference: str | None = None


Render = Callable[[Refund, Sequence[Payable]], bytes]
"""Turns a refund with its payables into the answer that an idempotency key will repeat."""


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """`replayed`: an earlier request with the key had this effect."""

    body: bytes
    replayed: bool = False


class _KeyTaken(Exception):
    """A rival with the same key has committed since it was looked for; everything here is rolled back."""


@dataclass(frozen=True, slots=True)
class CreateRefund:
    store: Store
    clock: Clock
    ids: Ids
    zone: ZoneInfo
    within_s: float | None = None
    """How long a statement may take; None is as long as any."""

    def within(self, seconds: float) -> CreateRefund:
        """Return the same for somebody who waits no longer than that."""
        return replace(self, within_s=seconds)

    def __call__(self, new: NewRefund, *, render: Render, key: IdempotencyKey | None = None) -> RefundAnswer:
        """Store, post and return the refund. The same key again: the first answer.

        Raises NotFound, RefundExceedsCaptured, AlreadyRefunded, InsufficientFunds, TransactionNotReady, LedgerNotOpen,
        IdempotencyKeyReused.
        """
        try:
            with self.store.write_as(new.customer_id, within_s=self.within_s) as work:
                return self._answer(work, new, render, key)
        except _KeyTaken:
            # Of another transaction: those of this one wait for its row, and see the key.
            with self.store.write_as(new.customer_id, within_s=self.within_s) as work:
                if key is not None and (first := _first_answer(work, key)):
                    return first
            raise in_progress() from None

    def merchant_of(self, transaction_id: UUID) -> str:
        """Return whose transaction it is, for an operator. Raises NotFound."""
        with self.store.begin() as work:
            sources = work.transactions.sources([transaction_id])
        if not sources:
            raise NotFound("no such transaction")
        return sources[0].customer_id

    def _answer(self, work: UnitOfWork, new: NewRefund, render: Render, key: IdempotencyKey | None) -> RefundAnswer:
        returned = work.refunds.hold_transaction(new.customer_id, new.transaction_id)
        if key is not None and (first := _first_answer(work, key)):
            return first
        if returned is None:
            raise NotFound("no such transaction")
        if not work.ledger.opening().is_ended:
            raise LedgerNotOpen("what was accepted before there were balances is still being booked")
        amount_minor = _amount(new, returned)
        now = self.clock.now()
        refund, payables = self._prepare(work, new, amount_minor, now=now)
        body = render(refund, payables)
        work.refunds.add(refund)
        work.payables.add(payables)
        if key is not None and not work.idempotency_keys.claim(KeyClaim(key, body), now=now):
            raise _KeyTaken
        self._post(work, refund, now=now)
        return RefundAnswer(body)

    def _prepare(
        self, work: UnitOfWork, new: NewRefund, amount_minor: int, *, now: datetime
    ) -> tuple[Refund, list[Payable]]:
        rows = work.payables.of_transaction(new.customer_id, new.transaction_id)
        credits = [row for row in rows if row.type is PayableType.CREDIT]
        if not credits:
            raise TransactionNotReady("the transaction's payables are still being made; nothing was refunded")
        today = due_date(now, self.zone)
        terms = work.plan_rules.refund_terms({row.plan_id for row in credits}, since=today)
        parts = parts_of(amount_minor, rows, terms=terms)
        refund_id, entry_id, *ids = self.ids.new(at=now, count=2 + len(parts))
        payables = refund_payables(
            parts,
            refund_id=refund_id,
            entry_id=entry_id,
            ids=iter(ids),
            terms=terms,
            today=today,
            zone=self.zone,
            now=now,
        )
        currency = credits[0].amount.currency
        refund = Refund(
            id=refund_id,
            transaction_id=new.transaction_id,
            customer_id=new.customer_id,
            status=RefundStatus.SUCCEEDED,
            amount=Money(amount_minor, currency),
            fee_returned=Money(sum(part.fee_minor for part in parts), currency),
            reason=new.reason,
            reference=new.reference,
            failure_reason=None,
            entry_id=entry_id,
            failed_entry_id=None,
            created_at=now,
            updated_at=now,
        )
        return refund, payables

    def _post(self, work: UnitOfWork, refund: Refund, *, now: datetime) -> None:
        currency, today = refund.amount.currency, due_date(now, self.zone)
        taken_minor = refund.amount.minor - refund.fee_returned.minor
        limit_minor = work.merchant_terms.of(refund.customer_id, currency).negative_limit_minor
        if limit_minor is not None:
            balance = work.ledger.hold_balance(refund.customer_id, currency)
            if _in_all(balance) - taken_minor < -limit_minor:
                raise InsufficientFunds("all that you have would fall below your limit; nothing was refunded")
        refunded = refunded_by(refund, entry_id=refund.entry_id)
        work.ledger.post([refund_entry(refunded, today=today, now=now)], today=today)


def _amount(new: NewRefund, returned: Returned) -> int:
    if new.amount_minor is None:
        if returned.left_minor == 0:
            raise AlreadyRefunded("all of the transaction was refunded already")
        return returned.left_minor
    if new.amount_minor > returned.left_minor:
        raise RefundExceedsCaptured(
            f"{returned.left_minor} minor units are left to refund of {returned.captured_minor}; nothing was refunded"
        )
    return new.amount_minor


def _in_all(balance: Balance) -> int:
    return (
        balance.available_minor
        + balance.pending_minor
        + balance.settling_minor
        + balance.reserve_minor
        - balance.debt_minor
    )


def _first_answer(work: UnitOfWork, key: IdempotencyKey) -> RefundAnswer | None:
    first = work.idempotency_keys.first_answers([key]).get(key.identity)
    if first is None:
        return None
    told = first.to(key)
    if isinstance(told, IdempotencyKeyReused):
        raise told
    return RefundAnswer(told, replayed=True)
