"""Transactions and the keys that make a request count once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from psp_core.domain.intake.idempotency import FirstAnswer, IdempotencyKey, KeyClaim
from psp_core.domain.intake.transactions import Transaction, TransactionFilter
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import PayableSource


class Transactions(Protocol):
    def find(self, customer_id: str, id: UUID) -> Transaction | None: ...

    def page(self, customer_id: str, where: TransactionFilter, page: Page) -> list[Transaction]: ...

    def sources(self, ids: Sequence[UUID]) -> list[PayableSource]:
        """Return what decides the payables, for those of the `ids` that exist, by id."""
        ...

    def without_payables(self, *, created_from: datetime, created_before: datetime, limit: int) -> list[UUID]:
        """Return the oldest transactions of that time that have no payable."""
        ...


class IdempotencyKeys(Protocol):
    def first_answers(self, keys: Sequence[IdempotencyKey]) -> Mapping[tuple[str, str], FirstAnswer]:
        """Return the stored answers by (customer id, key)."""
        ...

    def claim(self, claim: KeyClaim, *, now: datetime) -> bool:
        """Store the key with its answer, and tell whether it is new; waits for the commit of a rival."""
        ...

    def purge(self, *, created_before: datetime, limit: int) -> int:
        """Delete at most `limit` old keys; return how many went."""
        ...
