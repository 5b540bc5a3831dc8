"""The demonstration's own check: it must be able to fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from psp_local.demo.accounts import Account, differences
from psp_local.demo.merchant_api import Posted
from psp_local.demo.traffic import MERCHANTS, Sale

_MERCHANT = MERCHANTS[0]
_SALE = Sale(
    _MERCHANT,
    at=timedelta(hours=12),
    key="k",
    body={"amount": 999, "installments": 2, "payment_method": "credit_card"},
    sent_twice=False,
)
_POSTED = [Posted(_SALE, "t1", datetime(2026, 1, 1, 12, tzinfo=UTC))]
_TRANSACTION = {"id": "t1", "amount": 999, "status": "pending_payment"}
_PAID = {
    "id": "p1",
    "transaction_id": "t1",
    "installment": 1,
    "amount": 500,
    "fee_amount": 25,
    "receivable_amount": 475,
    "status": "paid",
    "payment_date": "2026-01-31T12:00:00.000Z",
    "settlement_id": "s1",
    "currency": "BRL",
}
_WAITING = {
    **_PAID,
    "id": "p2",
    "installment": 2,
    "amount": 499,
    "fee_amount": 24,
    "status": "waiting_funds",
    "payment_date": "2026-03-02T12:00:00.000Z",
    "settlement_id": None,
}
_NONE = dict.fromkeys(("payables", "amount", "fee_amount", "receivable_amount"), 0)
_SETTLEMENT = {
    "id": "s1",
    "payables": 1,
    "amount": 500,
    "fee_amount": 25,
    "receivable_amount": 475,
    "already_available": _NONE,
}
_GOOD = Account(
    _MERCHANT.customer_id, [_TRANSACTION], [_PAID, _WAITING], settlements={"s1": _SETTLEMENT}, lines={"s1": [_PAID]}
)


def _found(account: Account, *, today: date = date(2026, 2, 1)) -> list[str]:
    return list(differences(account, _POSTED, today=today, zone=ZoneInfo("UTC")))


class TestDifferences:
    def test_are_none_in_a_good_account(self) -> None:
        assert _found(_GOOD) == []

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"transactions": []}, "transaction t1 is lost"),
            ({"transactions": [_TRANSACTION, {**_TRANSACTION, "id": "t2"}]}, "transaction t2 was never posted"),
            ({"transactions": [{**_TRANSACTION, "status": "paid"}]}, "which its payables are not"),
            ({"payables": [_PAID]}, "1 payables for 2 installments"),
            ({"payables": [_PAID, _PAID, _WAITING]}, "3 payables for 2 installments"),
            ({"payables": [{**_PAID, "amount": 501, "receivable_amount": 476}, _WAITING]}, "payables over 1000"),
            (
                {"payables": [{**_PAID, "fee_amount": 24, "receivable_amount": 476}, _WAITING]},
                "not the merchant's plan",
            ),
            ({"payables": [{**_PAID, "receivable_amount": 474}, _WAITING]}, "not its fee and its receivable amount"),
            ({"payables": [{**_PAID, "status": "waiting_funds"}, _WAITING]}, "is waiting_funds and should be paid"),
            ({"settlements": {}}, "settlement s1 is not listed"),
            ({"settlements": {"s1": {**_SETTLEMENT, "receivable_amount": 474}}}, "not the sum of its lines"),
        ],
    )
    def test_name_what_is_wrong(self, changes: dict[str, Any], sentence: str) -> None:
        assert any(sentence in found for found in _found(replace(_GOOD, **changes)))

    def test_name_what_was_paid_early(self) -> None:
        assert "payable p1 is paid and should be waiting_funds" in _found(_GOOD, today=date(2026, 1, 30))
