"""`/settlements`: the batches in which the merchant was paid."""

from __future__ import annotations

from falcon.asgi import Request, Response

from psp_api.server.merchant_resource import MerchantResource, parse_id
from psp_api.server.problems.refusals import FieldProblem, Invalid
from psp_api.server.wire import queries
from psp_api.server.wire.answers import settlement_answer


class Settlements(MerchantResource):
    async def on_get(self, req: Request, resp: Response) -> None:
        problems: list[FieldProblem] = []
        merchant = await self._merchant(req, problems)
        query = queries.read(queries.SettlementQuery, req.query_string, problems)
        if merchant is None or query is None or problems:
            raise Invalid(problems)
        await self._list(
            req,
            resp,
            query,
            merchant=merchant,
            find=lambda read, page: read.settlements(merchant, where=query.to_filter(), page=page),
            answer=settlement_answer,
        )

    on_head = on_get


class OneSettlement(MerchantResource):
    async def on_get(self, req: Request, resp: Response, id: str) -> None:
        merchant = await self._require_merchant(req)
        wanted = parse_id(id)
        found = await self._call(merchant, lambda read: read.settlement(merchant, id=wanted))
        self._one(req, resp, settlement_answer(found))

    on_head = on_get
