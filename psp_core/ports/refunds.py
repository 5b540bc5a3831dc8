"""Refunds."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from psp_core.domain.kernel.paging import Page
from psp_core.domain.refunds import Refund, RefundFilter, Returned


class Refunds(Protocol):
    def hold_transaction(self, customer_id: str, transaction_id: UUID) -> Returned | None:
        """Return what came back of the merchant's transaction so far, and let nobody else change it before the end of
        the commit; None where there is no such transaction. The first lock of a commit."""
        ...

    def add(self, refund: Refund) -> None:
        """Insert the refund and count its amount. Raises RefundExceedsCaptured."""
        ...

    def fail(self, refund: Refund, *, reason: str, entry_id: UUID, now: datetime) -> bool:
        """Let the refund have failed, and tell whether it had not before; its amount no longer counts."""
        ...

    def find(self, customer_id: str, id: UUID) -> Refund | None: ...

    def find_anybodys(self, id: UUID) -> Refund | None:
        """Return the refund, whoever's it is."""
        ...

    def page(self, customer_id: str, where: RefundFilter, page: Page) -> list[Refund]: ...
