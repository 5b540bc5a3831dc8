"""`/settlements`: the batches in which the merchant was paid."""

from __future__ import annotations

from psp_api.access.authentication import Authenticator
from psp_api.server.merchant_resource import Objects
from psp_api.server.wire.answers import settlement_answer
from psp_api.server.wire.queries import SettlementQuery
from psp_api.server.worker import Worker
from psp_core.domain.settlement.settlements import Settlement


def settlements(worker: Worker, authenticator: Authenticator) -> Objects[SettlementQuery, Settlement]:
    return Objects(
        worker,
        authenticator,
        query=SettlementQuery,
        find=lambda read, merchant, query, page: read.settlements(merchant, where=query.to_filter(), page=page),
        find_one=lambda read, merchant, id: read.settlement(merchant, id=id),
        answer=settlement_answer,
    )
