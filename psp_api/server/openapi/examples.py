"""Examples for the documentation: the contract's own objects, and a problem of every kind."""

from __future__ import annotations

from uuid import UUID

from psp_api.ledger.answers import BalanceAnswer, BalanceTransactionAnswer
from psp_api.refunds.answers import CreatedRefundAnswer, RefundAnswer
from psp_api.server.problems.catalogue import (
    BODY_TOO_LARGE,
    BROKEN_JSON,
    INVALID,
    OF_DOMAIN_ERRORS,
    STORING_NOTHING,
    Problem,
)
from psp_api.server.problems.handlers import problem_body
from psp_api.server.problems.refusals import FieldProblem, ProblemAnswer
from psp_api.server.wire.answers import (
    EXAMPLE_INSTANT,
    LineAnswer,
    PayableAnswer,
    SettlementAnswer,
    TransactionAnswer,
)
from psp_core.domain.intake.transactions import PaymentMethod, TransactionStatus
from psp_core.domain.kernel import errors
from psp_core.domain.kernel.money import Currency
from psp_core.domain.payables import PayableStatus, PayableType
from psp_core.domain.pricing.plan_rules import CONTRACT
from psp_core.domain.refunds import RefundStatus
from psp_core.domain.settlement.report import LineType
from psp_core.domain.settlement.settlements import SettlementStatus

_TRANSACTION_ID = UUID("24e249f8-ca37-430a-afe9-bf05d9cd5688")
_SETTLEMENT_ID = UUID("0173c8f1-7d1d-7cc3-98c4-dc0c0c07398f")
_REFUND_ID = UUID("01736bbb-8800-7c0f-8a31-0d5fbbd3a6f1")
_REQUEST_ID = "9352bb4b7d1623069f37f7f8efe3c596"

TRANSACTION_BODY = {
    "description": "Lightsaber",
    "amount": "2500",
    "payment_method": "credit_card",
    "card_number": "4111111111111111",
    "card_holder_name": "Luke Skywalker",
    "card_expiration_date": "10/25",
    "card_verification_code": "123",
}

TRANSACTION: TransactionAnswer = {
    "id": _TRANSACTION_ID,
    "description": "Lightsaber",
    "customer_id": "123",
    "amount": 2500,
    "payment_method": PaymentMethod.CREDIT_CARD,
    "card_holder_name": "Luke Skywalker",
    "card_expiration_date": "2025-10-01T00:00:00.000Z",
    "card_verification_code": "***",
    "card_last_four_numbers": "1111",
    "updated_at": EXAMPLE_INSTANT,
    "created_at": EXAMPLE_INSTANT,
    "status": TransactionStatus.PENDING_PAYMENT,
    "currency": Currency.BRL,
    "installments": 1,
    "card_brand": "visa",
    "reference": None,
}

PAYABLE: PayableAnswer = {
    "id": UUID("4833e715-fb9b-4c60-8b8f-5bab65ea11e5"),
    "customer_id": "123",
    "status": PayableStatus.WAITING_FUNDS,
    "payment_date": "2020-08-18T22:26:23.693Z",
    "fee": 5,
    "receivable_amount": 2375,
    "created_at": "2020-07-19T22:26:23.701Z",
    "updated_at": "2020-07-19T22:26:23.701Z",
    "transaction_id": _TRANSACTION_ID,
    "amount": 2500,
    "fee_amount": 125,
    "currency": Currency.BRL,
    "installment": 1,
    "type": PayableType.CREDIT,
    "source_id": _TRANSACTION_ID,
    "paid_at": None,
    "settlement_id": None,
    "plan_id": CONTRACT[PaymentMethod.CREDIT_CARD].id,
    "due_on": "2020-08-18",
}

REFUND_BODY = {"amount": 1000, "reason": "one of two was broken", "reference": "return-7"}

REFUND: RefundAnswer = {
    "id": _REFUND_ID,
    "transaction_id": _TRANSACTION_ID,
    "customer_id": "123",
    "status": RefundStatus.SUCCEEDED,
    "amount": 1000,
    "fee_returned": 50,
    "currency": Currency.BRL,
    "reason": "one of two was broken",
    "reference": "return-7",
    "failure_reason": None,
    "created_at": "2020-07-20T10:00:00.000Z",
    "updated_at": "2020-07-20T10:00:00.000Z",
}

CREATED_REFUND: CreatedRefundAnswer = {
    **REFUND,
    "payables": [
        {
            **PAYABLE,
            "id": UUID("01736bbb-8800-7def-9000-6f8a3a3b1c52"),
            "receivable_amount": -950,
            "created_at": "2020-07-20T10:00:00.000Z",
            "updated_at": "2020-07-20T10:00:00.000Z",
            "amount": -1000,
            "fee_amount": -50,
            "type": PayableType.REFUND,
            "source_id": _REFUND_ID,
        }
    ],
}

SETTLEMENT: SettlementAnswer = {
    "id": _SETTLEMENT_ID,
    "customer_id": "123",
    "status": SettlementStatus.CLOSED,
    "due_date": "2020-08-18",
    "currency": Currency.BRL,
    "sequence": 1,
    "payables": 1,
    "amount": 2500,
    "fee_amount": 125,
    "receivable_amount": 2375,
    "recovered": 0,
    "reserve_withheld": 0,
    "to_available": 2375,
    "from_available": 0,
    "from_reserve": 0,
    "carried": 0,
    "created_at": "2020-08-18T06:00:01.120Z",
    "closed_at": "2020-08-18T06:00:01.480Z",
    "already_available": {"payables": 0, "amount": 0, "fee_amount": 0, "receivable_amount": 0},
}

_NO_LINE: LineAnswer = {
    "type": LineType.MERCHANT_PAYOUT,
    "payable_id": None,
    "transaction_id": None,
    "reference": None,
    "payment_method": None,
    "installment": None,
    "created_at": None,
    "amount": None,
    "fee_amount": None,
    "net_amount": -2375,
    "currency": Currency.BRL,
}
LINES: list[LineAnswer] = [
    {
        **_NO_LINE,
        "type": LineType.SETTLED,
        "payable_id": PAYABLE["id"],
        "transaction_id": _TRANSACTION_ID,
        "payment_method": PaymentMethod.CREDIT_CARD,
        "installment": 1,
        "created_at": EXAMPLE_INSTANT,
        "amount": 2500,
        "fee_amount": 125,
        "net_amount": 2375,
    },
    _NO_LINE,
]

REPORTS = {
    "text/csv": "\N{ZERO WIDTH NO-BREAK SPACE}"
    '"Merchant Account","Psp Reference","Merchant Reference","Payment Method","Creation Date","TimeZone","Type",'
    '"Modification Reference","Installment","Gross Currency","Gross Debit (GC)","Gross Credit (GC)","Exchange Rate",'
    '"Net Currency","Net Debit (NC)","Net Credit (NC)","Commission (NC)","Batch Number","Settlement Id","Due Date"\r\n'
    f'"123","{_TRANSACTION_ID}","","credit_card","2020-07-19 22:26:23","UTC","Settled",'
    '"4833e715-fb9b-4c60-8b8f-5bab65ea11e5",1,"BRL","","25.00","1.00","BRL","","23.75","1.25",1,'
    f'"{_SETTLEMENT_ID}","2020-08-18"\r\n'
    '"123","","","","","","MerchantPayout","","","","","","","BRL","23.75","","",1,'
    f'"{_SETTLEMENT_ID}","2020-08-18"\r\n',
    "application/vnd.apache.parquet": None,
}

BALANCE: BalanceAnswer = {
    "customer_id": "123",
    "time_zone": "UTC",
    "balances": [
        {
            "currency": Currency.BRL,
            "pending": 2375,
            "settling": 0,
            "available": 970,
            "payoutable": 0,
            "reserved": 0,
            "in_transit": 0,
            "debt": 0,
        }
    ],
}

BALANCE_TRANSACTION: BalanceTransactionAnswer = {
    "id": PAYABLE["id"],
    "customer_id": "123",
    "type": PayableType.CREDIT,
    "amount": 2500,
    "fee_amount": 125,
    "net_amount": 2375,
    "currency": Currency.BRL,
    "status": PayableStatus.WAITING_FUNDS,
    "available_on": "2020-08-18",
    "source_type": "transaction",
    "source_id": _TRANSACTION_ID,
    "settlement_id": None,
    "created_at": "2020-07-19T22:26:23.701Z",
}

_FIELD_PROBLEMS: list[FieldProblem] = [
    {"pointer": "header:x-customer-id", "code": "required", "detail": "must name the merchant"},
    {"pointer": "/amount", "code": "out_of_range", "detail": "must be from 1 to 1000000000000 minor units"},
    {"pointer": "/card_number", "code": "check_digit_wrong", "detail": "the card number's check digit is wrong"},
]
_DETAILS = {
    BROKEN_JSON: "Invalid JSON: EOF while parsing an object at line 1 column 24",
    BODY_TOO_LARGE: "the body may have 65536 bytes",
    OF_DOMAIN_ERRORS[errors.NotFound]: "no such transaction",
    OF_DOMAIN_ERRORS[errors.RequestInProgress]: "a request with this idempotency key is being worked on",
    OF_DOMAIN_ERRORS[errors.LedgerNotOpen]: "what was accepted before there were balances is still being booked",
    OF_DOMAIN_ERRORS[errors.StorageUnavailable]: "the database did not answer in time",
}


def problem(kind: Problem, *, path: str, writes: bool) -> ProblemAnswer:
    """Return the body of a problem as it is answered at `path`."""
    nothing = "; nothing was stored" if writes and kind in STORING_NOTHING else ""
    is_invalid = kind is INVALID
    return problem_body(
        kind,
        detail=("3 problems" if is_invalid else _DETAILS.get(kind, kind.title)) + nothing,
        path=path.replace("{id}", str(_TRANSACTION_ID)),
        request_id=_REQUEST_ID,
        errors=_FIELD_PROBLEMS if is_invalid else (),
    )
