"""The body of a POST of a refund, and the hash of one."""

from __future__ import annotations

import hashlib
from typing import Annotated
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from psp_api.intake.transaction_body import Reference
from psp_api.server.problems.refusals import FieldProblem
from psp_api.server.wire.field_problems import body_problems, cards_in_unknown_fields
from psp_api.server.wire.fields import Amount, NoCardData, Text
from psp_api.server.wire.json_body import sound_json
from psp_api.server.wire.request_hash import VERSION
from psp_core.domain.refunds import REASON_LENGTH_MAX

Reason = Annotated[Text, Field(min_length=1, max_length=REASON_LENGTH_MAX), NoCardData]


class RefundBody(BaseModel):
    """What is to be given back. Fields that are not named here are ignored, but for card data."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)

    amount: Amount | None = Field(
        default=None, description="what is to be given back; all that is left of the transaction when it is left out"
    )
    reason: Reason | None = Field(default=None, description="for your own records; no card number in it")
    reference: Reference | None = Field(
        default=None, description="your own, by which lists can be filtered; no card number in it"
    )


_KNOWN = frozenset(RefundBody.model_fields)
_body = TypeAdapter(RefundBody)


def read_refund(raw: bytes, problems: list[FieldProblem]) -> RefundBody | None:
    """Return what is asked for, or None after adding every problem to `problems`. Raises Refusal for broken JSON."""
    problems += cards_in_unknown_fields(sound_json(raw), known=_KNOWN)
    try:
        return _body.validate_json(raw)
    except ValidationError as error:
        problems += body_problems(error)
        return None


def refund_hash(route: str, transaction_id: UUID, body: RefundBody) -> bytes:
    """Return the version in a byte, and the SHA-256 of the request in canonical JSON; what is left out is null."""
    canonical = {"route": route, "transaction_id": transaction_id, "refund": body.model_dump(exclude_none=True)}
    return bytes([VERSION]) + hashlib.sha256(orjson.dumps(canonical, option=orjson.OPT_SORT_KEYS)).digest()
