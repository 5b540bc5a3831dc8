"""Bodies that merchants send, and what they are answered."""

from __future__ import annotations

import time
from typing import Any

import httpx

from psp_core.bootstrap import Core

CARD_NUMBER = "4111111111111111"
VERIFICATION_CODE = "123"
NOT_AN_ID = "00000000-0000-7000-8000-000000000000"


def a_body(**changes: Any) -> dict[str, Any]:
    """Return the contract's own example, with changes; a field that is `...` is left out."""
    body = {
        "description": "Lightsaber",
        "amount": "2500",
        "payment_method": "credit_card",
        "card_number": CARD_NUMBER,
        "card_holder_name": "Luke Skywalker",
        "card_expiration_date": "10/25",
        "card_verification_code": VERIFICATION_CODE,
        **changes,
    }
    return {name: value for name, value in body.items() if value is not ...}


def create(client: httpx.Client, **changes: Any) -> dict[str, Any]:
    """Post a transaction that must be accepted; return it."""
    answer = client.post("/transactions", json=a_body(**changes))
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def payables_of(core: Core, client: httpx.Client, *transactions: dict[str, Any]) -> list[dict[str, Any]]:
    """Drain the queue until each of the client's transactions has its payables; return these."""
    deadline_s = time.monotonic() + 30
    while time.monotonic() < deadline_s:
        core.drain_queue()
        found = [client.get(f"/transactions/{item['id']}/payables").json() for item in transactions]
        if all(len(rows) == item["installments"] for rows, item in zip(found, transactions, strict=True)):
            return [row for rows in found for row in rows]
    raise AssertionError("the payables did not appear")


def problems(answer: httpx.Response) -> set[tuple[str, str]]:
    """Return pointer and code of everything that a 422 complains of."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    return {(item["pointer"], item["code"]) for item in answer.json()["errors"]}


def amounts(answer: httpx.Response) -> list[int]:
    """Return the amounts in a list, as it was answered."""
    assert answer.status_code == 200, answer.text
    return [item["amount"] for item in answer.json()]


def everything(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    """Return the whole list, following its links."""
    found: list[dict[str, Any]] = []
    while True:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        found += answer.json()
        if "next" not in answer.links:
            return found
        path = answer.links["next"]["url"]
