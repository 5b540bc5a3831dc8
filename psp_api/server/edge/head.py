"""A request's head: request line and header fields (RFC 9112), read strictly and in one way only."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

from psp_api.server.problems.catalogue import (
    BROKEN_REQUEST,
    EXPECTATION_FAILED,
    HEAD_TOO_LARGE,
    NO_SUCH_PATH,
    NOT_IMPLEMENTED,
    TARGET_TOO_LONG,
    UNAUTHENTICATED,
    VERSION_NOT_SUPPORTED,
)
from psp_api.server.problems.refusals import FieldProblem, Invalid, Refusal

HEAD_BYTES_MAX = 32 * 1024
REQUEST_LINE_BYTES_MAX = 8 * 1024
FIELDS_MAX = 100
# Clients say the same again and again, and what they say is bounded.
_NAMES_REMEMBERED = 1_024
_LINES_REMEMBERED = 256
_END_OF_LINE = b"\r\n"
END_OF_HEAD = _END_OF_LINE * 2

# What is none of these is no request; what no path has of these is a 405.
_METHODS = frozenset(
    {b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"QUERY"}
)
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_TARGET = re.compile(rb"[!-~]+")
_ABSOLUTE = re.compile(rb"https?://([^/?#]{1,255})(.*)", re.IGNORECASE)
_PORT = rb"(?:[0-9]{1,4}|[0-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_HOST = re.compile(rb"(?:[A-Za-z0-9._\-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::" + _PORT + rb")?")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_VERSION = re.compile(rb"HTTP/[0-9]\.[0-9]")
_SINGLE_BY_RFC = (b"host", b"content-length", b"transfer-encoding", b"expect")
_SINGLE_BY_US = (b"x-customer-id", b"idempotency-key", b"content-type")


@dataclass(slots=True)
class Head:
    """A head that was understood, or one with `refusal`, which the application only has to tell.

    `length` is the body's, in bytes. It is None for a chunked body, and for a request that ends the connection because
    nobody knows where the next one would begin (`keeps_alive` is false then).
    """

    method: str = "GET"
    path: str = "/"
    raw_path: bytes = b"/"
    query: bytes = b""
    version: str = "1.1"
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    length: int = 0
    is_chunked: bool = False
    keeps_alive: bool = False
    expects_continue: bool = False
    refusal: Refusal | None = None


def refused(refusal: Refusal, line: bytes = b"") -> Head:
    """Return what stands for a request that cannot be read, and after which nothing can be."""
    return Head(method="HEAD" if line.startswith(b"HEAD ") else "GET", refusal=refusal)


def read_head(raw: bytes) -> Head:
    """Return the head; `raw` is all of it, without the empty line that ends it."""
    line, *rest = raw.split(_END_OF_LINE)
    try:
        method, target, query, version = _request_line(line)
        head = Head(method=method, raw_path=target, query=query, version=version)
        if len(rest) > FIELDS_MAX:
            raise Refusal(HEAD_TOO_LARGE, f"a request may have {FIELDS_MAX} header fields")
        # The lines are joined without their ends: what is left of these is a bare one, or in the wrong place.
        if _CONTROL.search(b"".join(rest)):
            raise _broken("the header holds a control character, or a line does not end in CR LF")
        head.fields = [_field(text) for text in rest]
        _understand(head)
    except Refusal as refusal:
        return refused(refusal, line)
    return head


def broken_beginning(raw: bytes) -> Head | None:
    """Return why the beginning of a head can be refused already, or None while it may still become one."""
    line, end, _ = raw.partition(_END_OF_LINE)
    try:
        if len(line) > REQUEST_LINE_BYTES_MAX:
            raise _too_long()
        if len(raw) > HEAD_BYTES_MAX:
            raise Refusal(HEAD_TOO_LARGE, f"a request's head may have {HEAD_BYTES_MAX} bytes")
        if end:
            _request_line(line)
        # A CR at the very end may be half of the line's end.
        if _CONTROL.search(raw.removesuffix(b"\r").replace(_END_OF_LINE, b"")):
            raise _broken("the header holds a control character, or a line does not end in CR LF")
    except Refusal as refusal:
        return refused(refusal, line)
    return None


@lru_cache(_LINES_REMEMBERED)
def _request_line(line: bytes) -> tuple[str, bytes, bytes, str]:
    """Return method, target without its query, query and version."""
    if len(line) > REQUEST_LINE_BYTES_MAX:
        raise _too_long()
    method, _, rest = line.partition(b" ")
    target, _, version = rest.partition(b" ")
    if method not in _METHODS:
        raise _broken("the method is not known")
    if not _TARGET.fullmatch(target) or not _VERSION.fullmatch(version):
        raise _broken("the request line must be a method, a target and a version of HTTP")
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Refusal(VERSION_NOT_SUPPORTED, "use HTTP/1.1")
    target, _, query = target.partition(b"?")
    if b"#" in target or b"#" in query:
        raise _broken("a target has no fragment")
    return method.decode(), target, query, version[5:].decode()


@lru_cache(_NAMES_REMEMBERED)
def _name(raw: bytes) -> bytes | None:
    return raw.lower() if _TOKEN.fullmatch(raw) else None


@lru_cache(_NAMES_REMEMBERED)
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None


def _field(text: bytes) -> tuple[bytes, bytes]:
    raw, colon, value = text.partition(b":")
    name = _name(raw)
    if name is None or not colon:
        # A line that begins with a space goes on with the one before in old HTTP, and nowhere else.
        raise _broken("a header field must be a name, a colon and a value")
    return name, value.strip(b" \t")


def _understand(head: Head) -> None:
    fields = dict(head.fields)
    if len(fields) < len(head.fields):
        _look_at_repeated(head)
    host = fields.get(b"host")
    if host is None and head.version == "1.1":
        raise _broken("send the header Host")
    if host is not None and not _is_host(host):
        raise _broken("the header Host must be a name or an address, and may have a port")
    _locate(head, host)
    _frame(head, fields)
    head.keeps_alive = head.version == "1.1" and not (b"connection" in fields and _says_close(head))
    if expected := fields.get(b"expect"):
        if expected.lower() != b"100-continue":
            raise Refusal(EXPECTATION_FAILED, "only 100-continue can be expected")
        head.expects_continue = head.version == "1.1"


def _says_close(head: Head) -> bool:
    said = b",".join(value for name, value in head.fields if name == b"connection").lower()
    return b"close" in [token.strip() for token in said.split(b",")]


def _look_at_repeated(head: Head) -> None:
    counts = Counter(name for name, _ in head.fields)
    for name in _SINGLE_BY_RFC:
        if counts[name] > 1:
            raise _broken(f"the header {name.decode()} must be sent once")
    if counts[b"authorization"] > 1:
        head.refusal = Refusal(UNAUTHENTICATED, "the header Authorization must be sent once")
        return
    problems: list[FieldProblem] = [
        {"pointer": f"header:{name.decode()}", "code": "repeated", "detail": "must be given once"}
        for name in _SINGLE_BY_US
        if counts[name] > 1
    ]
    if problems:
        head.refusal = Invalid(problems)


def _locate(head: Head, host: bytes | None) -> None:
    raw = head.raw_path
    if not raw.startswith(b"/"):
        absolute = _ABSOLUTE.fullmatch(raw)
        if absolute is None or not _is_host(absolute[1]):
            raise _broken("the target must be a path or an http URL")
        if host is not None and absolute[1].lower() != host.lower():
            raise _broken("the target and the header Host name different hosts")
        raw = head.raw_path = absolute[2] or b"/"
    path = raw.decode()
    head.path = unquote(path) if "%" in path else path
    # A browser reads `//transactions` as another host; and an encoded slash is not the one that paths are made of.
    if "//" in head.path or head.path.count("/") != path.count("/"):
        head.refusal = head.refusal or Refusal(NO_SUCH_PATH, NO_SUCH_PATH.title)


def _frame(head: Head, fields: dict[bytes, bytes]) -> None:
    coding, length = fields.get(b"transfer-encoding"), fields.get(b"content-length")
    if coding is not None:
        if length is not None or head.version == "1.0":
            raise _broken("Transfer-Encoding is for HTTP/1.1, without Content-Length")
        if coding.lower() != b"chunked":
            raise Refusal(NOT_IMPLEMENTED, "only the transfer coding chunked is known")
        head.is_chunked = True
    elif length is not None:
        if not _LENGTH.fullmatch(length):
            raise _broken("Content-Length must be a number of bytes")
        head.length = int(length)


def _too_long() -> Refusal:
    return Refusal(TARGET_TOO_LONG, f"a request line may have {REQUEST_LINE_BYTES_MAX} bytes")


def _broken(detail: str) -> Refusal:
    return Refusal(BROKEN_REQUEST, detail)
