"""What the merchants' resources have in common: who asks, one object with its ETag, a list with its next page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

import orjson
from falcon.asgi import Request, Response

from psp_api.access.authentication import Authenticator
from psp_api.server.problems.refusals import FieldProblem, Invalid
from psp_api.server.wire.queries import Paging, next_page_link, refuse_any
from psp_api.server.worker import Worker
from psp_core.domain.kernel.errors import NotFound
from psp_core.domain.kernel.paging import Page
from psp_core.usecases.desk.read_merchant import ReadMerchant

T = TypeVar("T")
_ETAG_BYTES = 12
_NOT_MODIFIED = 304


class MerchantResource:
    def __init__(self, worker: Worker, authenticator: Authenticator) -> None:
        self._worker = worker
        self._settings = worker.settings
        self._read = worker.core.read_merchant
        self._merchant = authenticator.merchant
        self._count = authenticator.count

    async def _require_merchant(self, req: Request) -> str:
        """Return who asks for a single object, which takes no parameters."""
        problems: list[FieldProblem] = []
        merchant = await self._merchant(req, problems)
        refuse_any(req.query_string, problems)
        if merchant is None or problems:
            raise Invalid(problems)
        return merchant

    async def _call(self, merchant: str, work: Callable[[ReadMerchant], T], *, weight: int = 1) -> T:
        """Read when it is the merchant's turn. A statement ends when the caller is told that it took too long."""
        return await self._worker.readers.call(
            lambda left_s: work(self._read.within(left_s)), merchant=merchant, weight=weight
        )

    def _one(self, req: Request, resp: Response, answer: Mapping[str, Any]) -> None:
        body = orjson.dumps(answer)
        etag = f'"{hashlib.blake2b(body, digest_size=_ETAG_BYTES).hexdigest()}"'
        resp.set_header("ETag", etag)
        if _matches(req.get_header("If-None-Match"), etag):
            resp.status = _NOT_MODIFIED
            return
        resp.data = body

    async def _list(
        self,
        req: Request,
        resp: Response,
        query: Paging,
        *,
        merchant: str,
        find: Callable[[ReadMerchant, Page], list[T]],
        answer: Callable[[T], Mapping[str, Any]],
    ) -> None:
        def body(read: ReadMerchant) -> tuple[bytes, str | None]:
            # One row more than asked for tells whether there is a next page.
            rows = find(read, query.to_page(extra=1))
            answers = [answer(row) for row in rows[: query.limit]]
            link = next_page_link(req.path, query, last_id=answers[-1]["id"]) if len(rows) > query.limit else None
            return orjson.dumps(answers), link

        self._count(req, merchant=merchant, rows=query.weight)
        resp.data, link = await self._call(merchant, body, weight=query.weight)
        if link is not None:
            resp.set_header("Link", link)


def parse_id(text: str) -> UUID:
    """Return the id of a path. Raises NotFound for anything else: no object has it."""
    try:
        id = UUID(text)
    except ValueError:
        raise NotFound("no such object") from None
    if str(id) != text.lower():
        raise NotFound("no such object")
    return id


def _matches(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags
