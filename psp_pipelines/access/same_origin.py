"""What another site makes an operator's browser send is refused: Dagster's webserver itself looks at none of this.

A browser sends a password or a login's cookie along with whatever any page makes it ask for, and Dagster runs mutations
by GET, too. So a link in a mail would be enough to settle, or to delete, for whoever is logged in and follows it.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_GRAPHQL = "/graphql"
_READING = frozenset({"GET", "HEAD"})
_OWN_SITES = frozenset({"same-origin", "none"})
_JSON = "application/json"
_WRONG_HOST, _FOREIGN, _NOT_BY_GET, _NOT_JSON = 421, 403, 405, 415


class SameOrigin:
    """ASGI middleware. `hosts` are the names under which the server is reached; empty means any."""

    def __init__(self, app: ASGIApp, *, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is refused, and hand on the rest; a refused WebSocket is answered with 403."""
        status = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if status is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = {"Allow": "POST"} if status == _NOT_BY_GET else None
            await PlainTextResponse("refused", status_code=status, headers=headers)(scope, receive, send)

    def _refusal(self, scope: Scope) -> int | None:
        headers = Headers(scope=scope)
        method = scope.get("method", "GET")
        if self._hosts and (urlsplit(f"//{headers.get('host', '')}").hostname or "") not in self._hosts:
            # A name that somebody else lets point here (DNS rebinding) has the same origin as its own page.
            return _WRONG_HOST
        if _is_foreign(headers, method=method):
            return _FOREIGN
        if scope["type"] == "websocket" or not scope["path"].lower().startswith(_GRAPHQL):
            return None
        if method in _READING and scope["query_string"]:
            return _NOT_BY_GET
        # A form, which needs nobody's leave to be sent across sites, cannot send this.
        return _NOT_JSON if method == "POST" and _JSON not in headers.get("content-type", "") else None


def _is_foreign(headers: Headers, *, method: str) -> bool:
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return True
    if headers.get("sec-fetch-site", "none") in _OWN_SITES:
        return False
    # A link to a page is followed: it changes nothing, and alarms hold such links.
    return not (method in _READING and headers.get("sec-fetch-dest") == "document")
