"""The merchant API as the demonstration's merchants use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psp_local import LocalStackError
from psp_local.demo.traffic import Sale
from psp_local.demo.ways_in.connection import Connection

PAGE_ROWS = 200
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Posted:
    """A sale and the transaction that it became; `replays` counts the repeated requests that changed nothing."""

    sale: Sale
    transaction_id: str
    created_at: str
    replays: int


@dataclass(frozen=True, slots=True)
class MerchantApi:
    connection: Connection

    def post(self, sale: Sale) -> Posted:
        """Post the sale, twice if it says so. Raises LocalStackError when the repetition has another answer."""
        headers = {"x-customer-id": sale.merchant.customer_id, "Idempotency-Key": sale.key}
        first = self.connection.post("/transactions", body=sale.body, headers=headers)
        if sale.sent_twice:
            again = self.connection.post("/transactions", body=sale.body, headers=headers)
            if again.content != first.content or again.headers.get("idempotent-replayed") != "true":
                raise LocalStackError(f"The idempotency key {sale.key} was used twice and had two answers.")
        row = first.json()
        return Posted(sale, row["id"], row["created_at"], int(sale.sent_twice))

    def rows(self, path: str, *, customer_id: str, **query: str) -> list[Row]:
        """Return the whole list, newest first, following its `next` links."""
        headers = {"x-customer-id": customer_id}
        reply = self.connection.get(path, headers=headers, limit=PAGE_ROWS, **query)
        rows: list[Row] = reply.json()
        while reply.next_path:
            reply = self.connection.get(reply.next_path, headers=headers)
            rows += reply.json()
        return rows

    def count(self, path: str, *, customer_id: str, at_least: int, **query: str) -> int:
        """Return the length of a list that has `at_least` so many rows: only what comes after them is read."""
        page = at_least // PAGE_ROWS + 1
        while True:
            headers = {"x-customer-id": customer_id}
            rows = self.connection.get(path, headers=headers, limit=PAGE_ROWS, page=page, **query).json()
            if len(rows) < PAGE_ROWS:
                return (page - 1) * PAGE_ROWS + len(rows)
            page += 1
