"""What a merchant can read: its own transactions, payables and settlements, and nobody else's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from psp_core.domain.intake.transactions import Transaction, TransactionFilter
from psp_core.domain.kernel.errors import LedgerNotOpen, NotFound
from psp_core.domain.kernel.paging import Page
from psp_core.domain.ledger.balances import Balance
from psp_core.domain.payables import Payable, PayableFilter
from psp_core.domain.refunds import Refund, RefundFilter
from psp_core.domain.settlement.report import Batch, ReportLine
from psp_core.domain.settlement.settlements import Settlement, SettlementFilter
from psp_core.ports.store import Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReadMerchant:
    """Lists are newest first. A single object that is missing or another merchant's raises NotFound."""

    store: Store
    within_s: float | None = None
    """How long a read may take; None is as long as any."""

    def within(self, seconds: float) -> ReadMerchant:
        """Return the same for somebody who waits no longer than that."""
        return replace(self, within_s=seconds)

    def transaction(self, customer_id: str, *, id: UUID) -> Transaction:
        with self.store.read_as(customer_id, within_s=self.within_s) as work:
            return _found(work.transactions.find(customer_id, id), "transaction")

    def transactions(self, customer_id: str, *, where: TransactionFilter, page: Page) -> list[Transaction]:
        with self.store.read_as(customer_id, within_s=self.within_s) as work:
            return work.transactions.page(customer_id, where, page)

    def payable(self, customer_id: str, *, id: UUID) -> Payable:
        with self.store.read_as(customer_id, within_s=self.within_s) as work:
            return _found(work.payables.find(customer_id, id), "payable")

    def payables(self, customer_id: str, *, where: PayableFilter, page: Page) -> list[Payable]:
        with self.store.read_as(customer_id, within_s=self.within_s) as work:
            return work.payables.page(customer_id, where, page)

    def payables_of(self, customer_id: str, *, transaction_id: UUID, page: Page) -> list[Payable]:
        """Return one transaction's payables, or raise NotFound when the transaction is not the merchant's."""
        with self.store.read_as(customer_id, within_s=self.within_s) as work:
            _found(work.transactions.find(customer_id, transaction_id), "transaction")
            work.shorten()
            return work.payables.page(customer_id, PayableFilter(transaction_id=transaction_id), page)

    def refund(self, customer_id: str, *, id: UUID) -> Refund:
        with self.store.read_as(customer_id, within_s=self.within_s) as work:
            return _found(work.refunds.find(customer_id, id), "refund")

    def refunds(self, customer_id: str, *, where: RefundFilter, page: Page) -> list[Refund]:
        with self.store.read_as(customer_id, within_s=self.within_s) as work:
            return work.refunds.page(customer_id, where, page)

    def balances(self, customer_id: str) -> list[Balance]:
        """Return what the merchant has, a balance a currency; raises LedgerNotOpen before they are whole."""
        with self.store.read_as(customer_id, within_s=self.within_s) as work:
            if not work.ledger.opening().is_ended:
                raise LedgerNotOpen("what was accepted before there were balances is still being booked")
            work.shorten()
            return work.ledger.balances(customer_id)

    def settlement(self, customer_id: str, *, id: UUID) -> Settlement:
        with self.store.read_as(customer_id, within_s=self.within_s) as work:
            return _found(work.settlements.find(customer_id, id), "settlement")

    def settlements(self, customer_id: str, *, where: SettlementFilter, page: Page) -> list[Settlement]:
        with self.store.read_as(customer_id, within_s=self.within_s) as work:
            return work.settlements.page(customer_id, where, page)

    def settlement_lines(self, batch: Batch, *, after: UUID | None, limit: int) -> list[ReportLine]:
        """Return the report's lines that follow that of the payable `after`, for the batch's own merchant."""
        with self.store.read_as(batch.customer_id, within_s=self.within_s) as work:
            return work.settlement_lines.part(batch, after=after, limit=limit)


def _found(object: T | None, kind: str) -> T:
    if object is None:
        raise NotFound(f"no such {kind}")
    return object
