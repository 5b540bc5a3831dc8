"""`/balance`: what the merchant has, and the transactions that it is made of."""

from __future__ import annotations

from falcon.asgi import Request, Response

from psp_api.ledger.answers import balance_answer, balance_transaction_answer
from psp_api.server.merchant_resource import MerchantResource
from psp_api.server.wire.queries import BalanceTransactionQuery


class BalanceOf(MerchantResource):
    """What the merchant has, in each currency: stored, so it costs the same whatever the history."""

    async def on_get(self, req: Request, resp: Response) -> None:
        merchant = await self._asker(req)
        balances = await self._call(merchant, lambda read: read.balances(merchant))
        self._answer_tagged(req, resp, balance_answer(merchant, balances, time_zone=self._settings.zone.key))

    on_head = on_get


class BalanceTransactions(MerchantResource):
    """What changed the balance or will: payables, with their sources."""

    async def on_get(self, req: Request, resp: Response) -> None:
        merchant, query = await self._asked(req, BalanceTransactionQuery)
        await self._list(
            req,
            resp,
            query,
            merchant=merchant,
            find=lambda read, page: read.payables(merchant, where=query.to_filter(), page=page),
            answer=balance_transaction_answer,
        )

    on_head = on_get
