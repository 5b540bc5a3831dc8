"""`/transactions`: accept one or many, and read them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from falcon.asgi import Request, Response

from psp_api.access.authentication import Authenticator
from psp_api.intake.transaction_body import TransactionBody, read_batch, read_transaction
from psp_api.server.activity import Pace
from psp_api.server.merchant_resource import Objects, parse_id
from psp_api.server.observation import forget
from psp_api.server.problems.refusals import FieldProblem, Invalid
from psp_api.server.wire import headers, queries
from psp_api.server.wire.answers import many_transactions, one_transaction, payable_answer, transaction_answer
from psp_api.server.wire.request_hash import Through, request_hash, request_hash_of_version_1
from psp_api.server.worker import Worker
from psp_api.server.writing_resource import WritingResource, tell_created
from psp_core.domain.intake.cards import CardNumbers
from psp_core.domain.intake.idempotency import IdempotencyKey
from psp_core.domain.intake.transactions import Transaction
from psp_core.usecases.intake.accept_transactions import Answer, Submission


class _Writing(WritingResource):
    def _key(
        self,
        req: Request,
        merchant: str,
        key: str | None,
        bodies: Sequence[TransactionBody],
        *,
        through: Through = iter,
    ) -> IdempotencyKey | None:
        if key is None:
            return None
        route, currency = req.uri_template or "", self._settings.currency

        def first_version() -> bytes:
            return request_hash_of_version_1(route, bodies, customer_id=merchant, currency=currency)

        return IdempotencyKey(merchant, key, request_hash(route, bodies, through=through), first_version)

    def _refuse_numbers(
        self,
        req: Request,
        bodies: Sequence[TransactionBody],
        sent: Mapping[str, str | None],
        problems: list[FieldProblem],
    ) -> None:
        numbers = CardNumbers(body.card_number for body in bodies)
        headers.refuse_numbers(numbers, sent, problems)
        forget(req.context, numbers)


class Transactions(_Writing, Objects[queries.TransactionQuery, Transaction]):
    """The list, each by its id, at the suffix `payables` those of one, and what takes a new one."""

    def __init__(self, worker: Worker, authenticator: Authenticator) -> None:
        super().__init__(
            worker,
            authenticator,
            query=queries.TransactionQuery,
            find=lambda read, merchant, query, page: read.transactions(merchant, where=query.to_filter(), page=page),
            find_one=lambda read, merchant, id: read.transaction(merchant, id=id),
            answer=transaction_answer,
        )

    async def on_post(self, req: Request, resp: Response) -> None:
        problems: list[FieldProblem] = []
        merchant = await self._merchant(req, problems)
        key = headers.idempotency_key(req.get_header("Idempotency-Key"), problems)
        headers.refuse_card_in_trace(req.get_header("Traceparent"), problems)
        queries.refuse_any(req.query_string, problems)
        body = read_transaction(await self._body(req, bytes_max=self._settings.api_body_bytes_max), problems)
        if body is not None:
            self._refuse_numbers(req, [body], {"x-customer-id": merchant, "idempotency-key": key}, problems)
        if merchant is None or body is None or problems:
            raise Invalid(problems)
        rows = [body.to_new(customer_id=merchant, currency=self._settings.currency)]
        submission = Submission(rows, one_transaction, self._key(req, merchant, key, [body]), _trace(req))
        _tell(resp, await self._worker.submit(submission))

    async def on_get_payables(self, req: Request, resp: Response, id: str) -> None:
        merchant, query = await self._asked(req, queries.Paging)
        wanted = parse_id(id)
        await self._list(
            req,
            resp,
            query,
            merchant=merchant,
            find=lambda read, page: read.payables_of(merchant, transaction_id=wanted, page=page),
            answer=payable_answer,
        )

    on_head_payables = on_get_payables


class Batch(_Writing):
    """`/transactions/batch`: all of them or none."""

    async def on_post(self, req: Request, resp: Response) -> None:
        problems: list[FieldProblem] = []
        merchant = await self._merchant(req, problems)
        key = headers.idempotency_key(req.get_header("Idempotency-Key"), problems)
        headers.refuse_card_in_trace(req.get_header("Traceparent"), problems)
        queries.refuse_any(req.query_string, problems)
        raw = await self._body(req, bytes_max=self._settings.api_batch_body_bytes_max)

        def read(pace: Pace) -> Submission:
            return self._submission(req, raw, merchant, key, problems=problems, pace=pace)

        def count(submission: Submission) -> None:
            self._count(req, merchant=submission.merchant, rows=len(submission.transactions))

        # Beside the event loop, and one of a merchant's at a time: a thousand rows take some ten milliseconds.
        _tell(resp, await self._worker.submit_batch(read, on_read=count, merchant=merchant, size=len(raw)))

    def _submission(
        self,
        req: Request,
        raw: bytes,
        merchant: str | None,
        key: str | None,
        *,
        problems: list[FieldProblem],
        pace: Pace,
    ) -> Submission:
        bodies = read_batch(raw, problems, pace=pace)
        if bodies is not None:
            self._refuse_numbers(req, bodies, {"x-customer-id": merchant, "idempotency-key": key}, problems)
        if merchant is None or bodies is None or problems:
            raise Invalid(problems)
        rows = [body.to_new(customer_id=merchant, currency=self._settings.currency) for body in pace.through(bodies)]
        return Submission(
            rows, many_transactions, self._key(req, merchant, key, bodies, through=pace.through), _trace(req)
        )


def _tell(resp: Response, answer: Answer) -> None:
    tell_created(resp, answer.body, replayed=answer.replayed)


def _trace(req: Request) -> str | None:
    # Ours when traces are made here; otherwise the caller's is passed on.
    own: str | None = getattr(req.context, "traceparent", None)
    return own or headers.traceparent(req.get_header("Traceparent"))
