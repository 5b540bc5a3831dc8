"""One kept-alive HTTP connection that speaks JSON, as a merchant's own program would hold it."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from psp_local import LocalStackError

_TIMEOUT_S = 30
_PATIENCE_S = 60
_PAUSE_S = 1
_COME_AGAIN = (http.HTTPStatus.CONFLICT, http.HTTPStatus.SERVICE_UNAVAILABLE)
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_LINK_NEXT = re.compile(r'<([^<>]{1,8192})>; ?rel="next"')


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""

    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def next_path(self) -> str | None:
        """The next page of a list (RFC 8288); None at its end."""
        found = _LINK_NEXT.search(self.headers.get("link", ""))
        return found[1] if found else None


class Connection:
    """Not for several threads at once. Everything sent over it may be sent again when the connection breaks."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.url = url
        self._connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def get(self, path: str, *, headers: Mapping[str, str] = _NO_HEADERS, **query: Any) -> Reply:
        """Return the answer to a GET. Raises LocalStackError when there is none, or a refusal."""
        return self._call("GET", f"{path}?{urlencode(query)}" if query else path, headers=headers)

    def post(self, path: str, *, body: Mapping[str, Any], headers: Mapping[str, str] = _NO_HEADERS) -> Reply:
        """Return the answer to a POST. Raises LocalStackError when there is none, or a refusal."""
        content = json.dumps(dict(body)).encode()
        return self._call("POST", path, content=content, headers={"Content-Type": "application/json", **headers})

    def _call(self, method: str, path: str, *, content: bytes | None = None, headers: Mapping[str, str]) -> Reply:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                reply = self._send(method, path, content=content, headers=headers)
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                if time.monotonic() > deadline:
                    raise LocalStackError(f"{self.url} does not answer: {error}") from None
                time.sleep(_PAUSE_S)
                continue
            # What a busy platform refuses, or is still working on, it asks to be sent again.
            if reply.status not in _COME_AGAIN or time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_S)
        if reply.status >= http.HTTPStatus.BAD_REQUEST:
            text = reply.content.decode(errors="replace")
            raise LocalStackError(f"{method} {path} was answered with {reply.status}: {text}")
        return reply

    def _send(self, method: str, path: str, *, content: bytes | None, headers: Mapping[str, str]) -> Reply:
        self._connection.request(method, path, body=content, headers=dict(headers))
        response = self._connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, named, response.read())
