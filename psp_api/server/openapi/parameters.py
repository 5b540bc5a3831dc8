"""Headers and path parameters, in the document's words and by the rules that validate them."""

from __future__ import annotations

from typing import Any

from psp_api.server.wire.headers import CUSTOMER_ID_PATTERN, IDEMPOTENCY_KEY_PATTERN

CUSTOMER_ID: dict[str, Any] = {
    "name": "x-customer-id",
    "in": "header",
    "description": "the merchant: whose objects are made and read",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": f"^{CUSTOMER_ID_PATTERN}$"},
    "example": "123",
}
OBJECT_ID: dict[str, Any] = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "the object's own id; another merchant's is a 404",
    "schema": {"type": "string", "format": "uuid"},
}
IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "quoted or bare, unique for the merchant and kept for at least 7 days: the same key and body get "
    "the first answer again, with `Idempotent-Replayed: true`",
    "schema": {"type": "string", "minLength": 1, "pattern": f"^{IDEMPOTENCY_KEY_PATTERN}$"},
    "example": '"order-66"',
}
IF_NONE_MATCH: dict[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "the ETag of the answer that the caller has already",
    "schema": {"type": "string"},
}
AUTHORIZATION: dict[str, Any] = {
    "type": "http",
    "scheme": "bearer",
    "description": "an API key, `sk_live_…`; GET needs the scope `read`, POST `write`",
}


def _header(description: str, **schema: Any) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string", **schema}}


_REQUEST_ID = {"Request-Id": _header("names this request in the logs; the caller's own is taken over when it is sane")}
RESPONSE: dict[str, dict[str, Any]] = {
    "problem": _REQUEST_ID,
    "retry": {**_REQUEST_ID, "Retry-After": _header("seconds to wait", pattern="^[0-9]+$")},
    "read": {**_REQUEST_ID, "ETag": _header("changes with the object")},
    "list": {**_REQUEST_ID, "Link": _header('`<…>; rel="next"` while there is more (RFC 8288)')},
    "file": {**_REQUEST_ID, "Content-Disposition": _header("the file's name")},
    "created": {**_REQUEST_ID, "Idempotent-Replayed": _header("this is the first answer again", enum=["true"])},
}
"""The headers of each kind of answer."""
