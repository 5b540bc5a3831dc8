"""`/plans/current`: the merchant's rules, and what a given sale would cost and when it would be paid."""

from __future__ import annotations

from falcon.asgi import Request, Response

from psp_api.pricing.current_plans import PlanQuery, current_plans_answer
from psp_api.server.merchant_resource import MerchantResource
from psp_api.server.problems.refusals import FieldProblem, Invalid
from psp_api.server.wire.queries import read


class Plans(MerchantResource):
    async def on_get(self, req: Request, resp: Response) -> None:
        problems: list[FieldProblem] = []
        merchant = await self._merchant(req, problems)
        query = read(PlanQuery, req.query_string, problems)
        if merchant is None or query is None or problems:
            raise Invalid(problems)
        currency = self._settings.currency
        sale, amount = query.sale(merchant, currency), query.money(currency)
        plans = self._worker.core.read_plans
        found = await self._worker.readers.call(
            lambda left_s: plans.within(left_s)(merchant, sale=sale, amount=amount), merchant=merchant
        )
        self._answer_tagged(req, resp, current_plans_answer(found))

    on_head = on_get
