"""How lists of refunds are filtered."""

from __future__ import annotations

from pydantic import Field

from psp_api.server.wire.queries import Id, Instant, Paging, Reference
from psp_api.server.wire.words import REFUND_STATUS
from psp_core.domain.refunds import RefundFilter, RefundStatus


class RefundQuery(Paging):
    status: RefundStatus | None = Field(default=None, description=REFUND_STATUS)
    transaction_id: Id | None = Field(default=None, description="of this transaction")
    reference: Reference | None = Field(default=None, description="the refund's own reference, all of it")
    created_from: Instant | None = Field(default=None, alias="created_at[gte]", description="created then or later")
    created_before: Instant | None = Field(default=None, alias="created_at[lt]", description="created before")

    def to_filter(self) -> RefundFilter:
        return RefundFilter(**self.model_dump(exclude=set(Paging.model_fields)))
