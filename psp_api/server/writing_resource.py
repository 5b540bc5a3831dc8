"""What takes a body and stores something: how the body is read, and how it is answered."""

from __future__ import annotations

from falcon.asgi import Request, Response

from psp_api.server.merchant_resource import MerchantResource
from psp_api.server.wire import headers

_CREATED = 201
_JSON = "application/json"


class WritingResource(MerchantResource):
    async def _body(self, req: Request, *, bytes_max: int) -> bytes:
        headers.require_json(req.content_type)
        headers.require_plain(req.get_header("Content-Encoding"))
        headers.require_size(req.content_length, bytes_max=bytes_max)
        raw: bytes = await req.stream.read(bytes_max + 1)
        headers.require_size(len(raw), bytes_max=bytes_max)
        return raw


def tell_created(resp: Response, body: bytes, *, replayed: bool) -> None:
    """Answer with what was stored, now or by the first request with its key."""
    resp.status = _CREATED
    resp.content_type = _JSON
    resp.data = body
    if replayed:
        resp.set_header("Idempotent-Replayed", "true")
