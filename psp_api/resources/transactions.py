"""`/transactions`: accept one or many, and read them back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import orjson
from falcon.asgi import Request, Response

from psp_api.problems.refusals import FieldProblem, Invalid
from psp_api.resources.merchant_resource import MerchantResource, parse_id
from psp_api.wire import headers, queries
from psp_api.wire.answers import many_transactions, one_transaction, payable_answer, transaction_answer
from psp_api.wire.transaction_body import read_batch, read_transaction
from psp_core.domain.idempotency import IdempotencyKey
from psp_core.domain.money import Money
from psp_core.domain.transactions import NewTransaction
from psp_core.usecases.accept_transactions import Submission

_CREATED = 201
_JSON = "application/json"


class _Writing(MerchantResource):
    async def _body(self, req: Request, *, bytes_max: int) -> bytes:
        headers.require_json(req.content_type)
        headers.require_size(req.content_length, bytes_max=bytes_max)
        raw: bytes = await req.stream.read(bytes_max + 1)
        headers.require_size(len(raw), bytes_max=bytes_max)
        return raw

    async def _store(self, resp: Response, submission: Submission) -> None:
        answer = await self._worker.submit(submission)
        resp.status = _CREATED
        resp.content_type = _JSON
        resp.data = answer.body
        if answer.replayed:
            resp.set_header("Idempotent-Replayed", "true")


class Transactions(_Writing):
    async def on_post(self, req: Request, resp: Response) -> None:
        problems: list[FieldProblem] = []
        merchant = await self._merchant(req, problems)
        key = headers.idempotency_key(req.get_header("Idempotency-Key"), problems)
        queries.refuse_any(req.query_string, problems)
        body = read_transaction(await self._body(req, bytes_max=self._settings.api_body_bytes_max), problems)
        if merchant is None or body is None or problems:
            raise Invalid(problems)
        rows = [body.to_new(customer_id=merchant, currency=self._settings.currency)]
        submission = Submission(rows, one_transaction, _key(req, merchant, key, rows), _trace(req))
        await self._store(resp, submission)

    async def on_get(self, req: Request, resp: Response) -> None:
        problems: list[FieldProblem] = []
        merchant = await self._merchant(req, problems)
        query = queries.read(queries.TransactionQuery, req.query_string, problems)
        if merchant is None or query is None or problems:
            raise Invalid(problems)
        await self._list(
            req,
            resp,
            query,
            merchant=merchant,
            find=lambda read, page: read.transactions(merchant, where=query.to_filter(), page=page),
            answer=transaction_answer,
        )

    on_head = on_get


class Batch(_Writing):
    """`/transactions/batch`: all of them or none."""

    async def on_post(self, req: Request, resp: Response) -> None:
        problems: list[FieldProblem] = []
        merchant = await self._merchant(req, problems)
        key = headers.idempotency_key(req.get_header("Idempotency-Key"), problems)
        queries.refuse_any(req.query_string, problems)
        bodies = read_batch(await self._body(req, bytes_max=self._settings.api_batch_body_bytes_max), problems)
        if merchant is None or bodies is None or problems:
            raise Invalid(problems)
        self._count(req, merchant=merchant, rows=len(bodies))
        rows = [body.to_new(customer_id=merchant, currency=self._settings.currency) for body in bodies]
        submission = Submission(rows, many_transactions, _key(req, merchant, key, rows), _trace(req))
        await self._store(resp, submission)


class OneTransaction(MerchantResource):
    async def on_get(self, req: Request, resp: Response, id: str) -> None:
        merchant = await self._require_merchant(req)
        wanted = parse_id(id)
        found = await self._call(merchant, lambda read: read.transaction(merchant, id=wanted))
        self._one(req, resp, transaction_answer(found))

    on_head = on_get


class TransactionPayables(MerchantResource):
    async def on_get(self, req: Request, resp: Response, id: str) -> None:
        problems: list[FieldProblem] = []
        merchant = await self._merchant(req, problems)
        query = queries.read(queries.Paging, req.query_string, problems)
        if merchant is None or query is None or problems:
            raise Invalid(problems)
        wanted = parse_id(id)
        await self._list(
            req,
            resp,
            query,
            merchant=merchant,
            find=lambda read, page: read.payables_of(merchant, transaction_id=wanted, page=page),
            answer=payable_answer,
        )

    on_head = on_get


def _key(req: Request, merchant: str, key: str | None, rows: Sequence[NewTransaction]) -> IdempotencyKey | None:
    if key is None:
        return None
    # Of what is kept, not of the body: even the hash of a card number and its code could be guessed from.
    kept = orjson.dumps(
        [req.uri_template, [tuple(row) for row in rows]], default=_amount, option=orjson.OPT_PASSTHROUGH_DATACLASS
    )
    return IdempotencyKey(merchant, key, hashlib.sha256(kept).digest())


def _amount(amount: Money) -> tuple[int, str]:
    # orjson would ask the dataclass for its fields, which takes as long as all of the row's others.
    return amount.minor, amount.currency


def _trace(req: Request) -> str | None:
    # Ours when traces are made here; otherwise the caller's is passed on.
    own: str | None = getattr(req.context, "traceparent", None)
    return own or headers.traceparent(req.get_header("Traceparent"))
