"""`/refunds` and `/transactions/{id}/refunds`: give back what was paid by card, and read it back."""

from __future__ import annotations

from falcon.asgi import Request, Response

from psp_api.access.authentication import Authenticator
from psp_api.refunds.answers import created_refund, refund_answer
from psp_api.refunds.body import RefundBody, read_refund, refund_hash
from psp_api.refunds.queries import RefundQuery
from psp_api.server.merchant_resource import Objects, parse_id
from psp_api.server.problems.refusals import FieldProblem, Invalid
from psp_api.server.wire import headers, queries
from psp_api.server.worker import Worker
from psp_api.server.writing_resource import WritingResource, tell_created
from psp_core.domain.intake.idempotency import IdempotencyKey
from psp_core.domain.refunds import Refund
from psp_core.usecases.refunds.create_refund import NewRefund


def refunds(worker: Worker, authenticator: Authenticator) -> Objects[RefundQuery, Refund]:
    return Objects(
        worker,
        authenticator,
        query=RefundQuery,
        find=lambda read, merchant, query, page: read.refunds(merchant, where=query.to_filter(), page=page),
        find_one=lambda read, merchant, id: read.refund(merchant, id=id),
        answer=refund_answer,
    )


class RefundsOfATransaction(WritingResource):
    """A commit each: those of one transaction wait for each other in the database."""

    async def on_post(self, req: Request, resp: Response, id: str) -> None:
        problems: list[FieldProblem] = []
        merchant = await self._merchant(req, problems)
        key = headers.idempotency_key(req.get_header("Idempotency-Key"), problems)
        headers.refuse_card_in_trace(req.get_header("Traceparent"), problems)
        queries.refuse_any(req.query_string, problems)
        body = read_refund(await self._body(req, bytes_max=self._settings.api_body_bytes_max), problems)
        if merchant is None or body is None or problems:
            raise Invalid(problems)
        new = NewRefund(merchant, parse_id(id), body.amount, body.reason, body.reference)
        create = self._worker.core.create_refund
        answer = await self._worker.writers.call(
            lambda left_s: create.within(left_s)(new, render=created_refund, key=_key(req, new, key, body)),
            merchant=merchant,
        )
        tell_created(resp, answer.body, replayed=answer.replayed)


def _key(req: Request, new: NewRefund, key: str | None, body: RefundBody) -> IdempotencyKey | None:
    if key is None:
        return None
    return IdempotencyKey(new.customer_id, key, refund_hash(req.uri_template or "", new.transaction_id, body))
