"""Let a refund have failed: the merchant gets back what it took, by payables that mirror its own."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.calendar import due_date
from psp_core.domain.kernel.errors import NotFound, RefundOver
from psp_core.domain.ledger.journal import refund_reversal_entry
from psp_core.domain.payables import Payable, PayableType
from psp_core.domain.refunds import Refund, refunded_by, reversal_payables
from psp_core.ports.kernel import Clock, Ids
from psp_core.ports.store import Store


@dataclass(frozen=True, slots=True)
class FailedRefund:
    refund: Refund
    """As it was before."""
    payables: list[Payable]
    """What gives back to the merchant what the refund took."""


@dataclass(frozen=True, slots=True)
class FailRefund:
    store: Store
    clock: Clock
    ids: Ids
    zone: ZoneInfo

    def __call__(self, id: UUID, *, reason: str) -> FailedRefund:
        """Post the refund's mirror and add its payables, in one commit.

        Raises NotFound, and RefundOver a second time.
        """
        now = self.clock.now()
        today = due_date(now, self.zone)
        with self.store.begin() as work:
            refund = work.refunds.find_anybodys(id)
            if refund is None:
                raise NotFound("no such refund")
            work.refunds.hold_transaction(refund.customer_id, refund.transaction_id)
            rows = work.payables.of_transaction(refund.customer_id, refund.transaction_id)
            taken = [row for row in rows if row.source_id == refund.id and row.type is PayableType.REFUND]
            entry_id, *ids = self.ids.new(at=now, count=1 + len(taken))
            if not work.refunds.fail(refund, reason=reason, entry_id=entry_id, now=now):
                raise RefundOver(f"refund {id} has failed before")
            terms = work.plan_rules.refund_terms({row.plan_id for row in taken}, since=today)
            payables = reversal_payables(
                taken, entry_id=entry_id, ids=iter(ids), terms=terms, today=today, zone=self.zone, now=now
            )
            work.payables.add(payables)
            refunded = refunded_by(refund, entry_id=entry_id)
            work.ledger.post([refund_reversal_entry(refunded, today=today, now=now)], today=today)
        return FailedRefund(refund, payables)
