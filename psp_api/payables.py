"""`/payables`: what the merchant gets, and when."""

from __future__ import annotations

from psp_api.access.authentication import Authenticator
from psp_api.server.merchant_resource import Objects
from psp_api.server.wire.answers import payable_answer
from psp_api.server.wire.queries import PayableQuery
from psp_api.server.worker import Worker
from psp_core.domain.payables import Payable


def payables(worker: Worker, authenticator: Authenticator) -> Objects[PayableQuery, Payable]:
    return Objects(
        worker,
        authenticator,
        query=PayableQuery,
        find=lambda read, merchant, query, page: read.payables(merchant, where=query.to_filter(), page=page),
        find_one=lambda read, merchant, id: read.payable(merchant, id=id),
        answer=payable_answer,
    )
