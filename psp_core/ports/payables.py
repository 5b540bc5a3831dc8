"""Payables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from psp_core.domain.kernel.paging import Page
from psp_core.domain.ledger.journal import Captured
from psp_core.domain.payables import Payable, PayableFilter


class Payables(Protocol):
    def add_missing(self, rows: Sequence[Payable]) -> list[Captured]:
        """Insert the rows whose (transaction, type, installment) is new; return what these amount to, by entry."""
        ...

    def add(self, rows: Sequence[Payable]) -> None:
        """Insert rows that are new."""
        ...

    def of_transaction(self, customer_id: str, transaction_id: UUID) -> list[Payable]:
        """Return the transaction's payables of every type, the oldest first."""
        ...

    def find(self, customer_id: str, id: UUID) -> Payable | None: ...

    def page(self, customer_id: str, where: PayableFilter, page: Page) -> list[Payable]: ...
