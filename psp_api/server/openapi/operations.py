"""What the API can do: one entry an operation, from which its documentation is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from psp_api.intake.transaction_body import BatchBody, TransactionBody
from psp_api.ledger.answers import BalanceAnswer, BalanceTransactionAnswer
from psp_api.pricing import current_plans
from psp_api.pricing.current_plans import CurrentPlansAnswer, PlanQuery
from psp_api.refunds.answers import CreatedRefundAnswer, RefundAnswer
from psp_api.refunds.body import RefundBody
from psp_api.refunds.queries import RefundQuery
from psp_api.server.openapi import examples
from psp_api.server.problems import catalogue
from psp_api.server.problems.catalogue import OF_DOMAIN_ERRORS, Problem
from psp_api.server.wire.answers import (
    LineAnswer,
    PayableAnswer,
    SettlementAnswer,
    TransactionAnswer,
)
from psp_api.server.wire.queries import (
    BalanceTransactionQuery,
    LineQuery,
    Paging,
    PayableQuery,
    ReportQuery,
    SettlementQuery,
    TransactionQuery,
)
from psp_api.server.wire.words import PLATFORM_ZONE
from psp_core.domain.kernel import errors

NOT_FOUND = OF_DOMAIN_ERRORS[errors.NotFound]
_DATABASE = OF_DOMAIN_ERRORS[errors.StorageUnavailable]
_READING = (catalogue.INVALID, catalogue.TOO_MANY_REQUESTS, catalogue.BUG, _DATABASE, catalogue.OVERLOADED)
_WRITING = (
    catalogue.BROKEN_JSON,
    OF_DOMAIN_ERRORS[errors.RequestInProgress],
    catalogue.BODY_TOO_LARGE,
    catalogue.NOT_JSON,
    catalogue.INVALID,
    OF_DOMAIN_ERRORS[errors.IdempotencyKeyReused],
    catalogue.TOO_MANY_REQUESTS,
    catalogue.BUG,
    _DATABASE,
    catalogue.OVERLOADED,
)


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str
    id: str
    summary: str
    answer: Any
    """The type of the answer, or of each of its elements when `many`."""

    example: Any
    problems: tuple[Problem, ...]
    many: bool = False
    description: str = ""
    body: Any = None
    body_example: Any = None
    query: type[BaseModel] | None = None
    files: Mapping[str, Any] = field(default_factory=dict)
    """The media types of an answer that is a file instead, or at will where there are `many`; each with an example, or
    None."""

    @property
    def writes(self) -> bool:
        return self.body is not None

    @property
    def has_id(self) -> bool:
        return "{id}" in self.path

    @property
    def is_tagged(self) -> bool:
        """Tell whether the answer has an ETag: a single thing that is read."""
        return not (self.writes or self.many or self.files)

    @property
    def tag(self) -> str:
        return self.path.split("/")[1]


def _list(path: str, *, id: str, summary: str, answer: Any, example: Any, query: type[BaseModel]) -> Operation:
    problems = (NOT_FOUND, *_READING) if "{id}" in path else _READING
    return Operation(
        "get",
        path,
        id,
        summary,
        answer,
        [example],
        problems,
        many=True,
        query=query,
        description="Newest first. While there is more, the header `Link` names the next page.",
    )


def _single(path: str, *, id: str, summary: str, answer: Any, example: Any) -> Operation:
    return Operation("get", path, id, summary, answer, example, (NOT_FOUND, *_READING))


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "post",
        "/transactions",
        "createTransaction",
        "Accept a card transaction",
        TransactionAnswer,
        examples.TRANSACTION,
        _WRITING,
        body=TransactionBody,
        body_example=examples.TRANSACTION_BODY,
        description="It becomes one payable for each installment within seconds.",
    ),
    _list(
        "/transactions",
        id="listTransactions",
        summary="List transactions",
        answer=TransactionAnswer,
        example=examples.TRANSACTION,
        query=TransactionQuery,
    ),
    Operation(
        "post",
        "/transactions/batch",
        "createTransactions",
        "Accept up to 1,000 card transactions, all or none",
        TransactionAnswer,
        [examples.TRANSACTION],
        _WRITING,
        many=True,
        body=BatchBody,
        body_example=[examples.TRANSACTION_BODY],
        description="The fast way in. A problem's pointer begins with the index: `/3/amount`.",
    ),
    _single(
        "/transactions/{id}",
        id="getTransaction",
        summary="Get a transaction",
        answer=TransactionAnswer,
        example=examples.TRANSACTION,
    ),
    _list(
        "/transactions/{id}/payables",
        id="listTransactionPayables",
        summary="List a transaction's payables",
        answer=PayableAnswer,
        example=examples.PAYABLE,
        query=Paging,
    ),
    Operation(
        "post",
        "/transactions/{id}/refunds",
        "createRefund",
        "Give back a transaction, or a part of it",
        CreatedRefundAnswer,
        examples.CREATED_REFUND,
        (
            NOT_FOUND,
            OF_DOMAIN_ERRORS[errors.RefundExceedsCaptured],
            OF_DOMAIN_ERRORS[errors.InsufficientFunds],
            OF_DOMAIN_ERRORS[errors.AlreadyRefunded],
            OF_DOMAIN_ERRORS[errors.TransactionNotReady],
            OF_DOMAIN_ERRORS[errors.LedgerNotOpen],
            *_WRITING,
        ),
        body=RefundBody,
        body_example=examples.REFUND_BODY,
        description="What waits is taken back first, the earliest installment first and on its own date; the rest the "
        "next open day. The fee comes back in proportion, unless your plan says otherwise.",
    ),
    _list(
        "/refunds",
        id="listRefunds",
        summary="List refunds",
        answer=RefundAnswer,
        example=examples.REFUND,
        query=RefundQuery,
    ),
    _single("/refunds/{id}", id="getRefund", summary="Get a refund", answer=RefundAnswer, example=examples.REFUND),
    _list(
        "/payables",
        id="listPayables",
        summary="List payables",
        answer=PayableAnswer,
        example=examples.PAYABLE,
        query=PayableQuery,
    ),
    _single("/payables/{id}", id="getPayable", summary="Get a payable", answer=PayableAnswer, example=examples.PAYABLE),
    Operation(
        "get",
        "/balance",
        "getBalance",
        "Get the balance",
        BalanceAnswer,
        examples.BALANCE,
        (*_READING, OF_DOMAIN_ERRORS[errors.LedgerNotOpen]),
        description="What the merchant has now, in each currency.",
    ),
    _list(
        "/balance/transactions",
        id="listBalanceTransactions",
        summary="List what changed the balance, or will",
        answer=BalanceTransactionAnswer,
        example=examples.BALANCE_TRANSACTION,
        query=BalanceTransactionQuery,
    ),
    _list(
        "/settlements",
        id="listSettlements",
        summary="List settlements",
        answer=SettlementAnswer,
        example=examples.SETTLEMENT,
        query=SettlementQuery,
    ),
    _single(
        "/settlements/{id}",
        id="getSettlement",
        summary="Get a settlement",
        answer=SettlementAnswer,
        example=examples.SETTLEMENT,
    ),
    Operation(
        "get",
        "/settlements/{id}/lines",
        "listSettlementLines",
        "List the lines of a closed settlement",
        LineAnswer,
        examples.LINES,
        (NOT_FOUND, catalogue.NOT_ACCEPTABLE, OF_DOMAIN_ERRORS[errors.SettlementOpen], *_READING),
        many=True,
        query=LineQuery,
        files={"text/csv": examples.REPORTS["text/csv"]},
        description="The oldest payable first. While there is more, the header `Link` names the next page; the last "
        "one ends with what balances all lines. With `Accept: text/csv` it is the settlement's report.",
    ),
    Operation(
        "get",
        "/settlements/{id}/report",
        "getSettlementReport",
        "Get the report of a closed settlement",
        bytes,
        None,
        (
            NOT_FOUND,
            catalogue.NOT_ACCEPTABLE,
            OF_DOMAIN_ERRORS[errors.SettlementOpen],
            OF_DOMAIN_ERRORS[errors.BooksDoNotBalance],
            *_READING,
        ),
        query=ReportQuery,
        files=examples.REPORTS,
        description="A line for each payable (`Settled`, `Refunded`, `RefundedReversed`), and last what balances "
        "them: `AlreadyAvailable` for what was paid at once, `Recovered` for what repaid your debt, "
        "`DepositCorrection` for your reserve, `MerchantPayout` for what became available; below zero "
        "`FromAvailable`, and `Carried` for what you owe. Credits and debits add up to zero. Amounts are in major "
        f"units (25.00), times in {PLATFORM_ZONE}. CSV is UTF-8 that begins with a byte order mark. An answer "
        "that ends before its end, so that your client reports a broken connection, is to be asked for again.",
    ),
    Operation(
        "get",
        "/plans/current",
        "getCurrentPlans",
        "Get the rules that price sales now, and what a given sale would cost",
        CurrentPlansAnswer,
        current_plans.EXAMPLE,
        _READING,
        query=PlanQuery,
        description="The rule that decides is the most specific one: by merchant, payment method, card brand, "
        "installments and currency, in that order.",
    ),
)

AUTH_PROBLEMS: Mapping[str, tuple[Problem, ...]] = {
    "trusted-header": (),
    "api-key": (
        catalogue.UNAUTHENTICATED,
        OF_DOMAIN_ERRORS[errors.InvalidCredentials],
        OF_DOMAIN_ERRORS[errors.InsufficientScope],
        OF_DOMAIN_ERRORS[errors.CustomerMismatch],
        catalogue.TOO_MANY_LOGINS,
    ),
}
