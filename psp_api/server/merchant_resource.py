"""The merchants' resources: who asks, one object with its ETag, a list with its next page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from falcon.asgi import Request, Response
from pydantic import BaseModel

from psp_api.access.authentication import Authenticator
from psp_api.server.problems.refusals import FieldProblem, Invalid
from psp_api.server.wire.addresses import public_address
from psp_api.server.wire.queries import Paging, next_page, read, refuse_any
from psp_api.server.worker import Worker
from psp_core.domain.kernel.errors import NotFound
from psp_core.domain.kernel.paging import Page
from psp_core.usecases.desk.read_merchant import ReadMerchant

T = TypeVar("T")
Q = TypeVar("Q", bound=Paging)
Asked = TypeVar("Asked", bound=BaseModel)
_ETAG_BYTES = 12
_NOT_MODIFIED = 304


class MerchantResource:
    def __init__(self, worker: Worker, authenticator: Authenticator) -> None:
        self._worker = worker
        self._settings = worker.settings
        self._read = worker.core.read_merchant
        self._merchant = authenticator.merchant
        self._count = authenticator.count

    async def _call(self, merchant: str, work: Callable[[ReadMerchant], T], *, weight: int = 1) -> T:
        """Read when it is the merchant's turn. A statement ends when the caller is told that it took too long."""
        return await self._worker.readers.call(
            lambda left_s: work(self._read.within(left_s)), merchant=merchant, weight=weight
        )

    async def _one(
        self,
        req: Request,
        resp: Response,
        *,
        id: str,
        find: Callable[[ReadMerchant, str, UUID], T],
        answer: Callable[[T], Mapping[str, Any]],
    ) -> None:
        problems: list[FieldProblem] = []
        merchant = await self._merchant(req, problems)
        refuse_any(req.query_string, problems)
        if merchant is None or problems:
            raise Invalid(problems)
        wanted = parse_id(id)
        self._answer_tagged(req, resp, answer(await self._call(merchant, lambda read: find(read, merchant, wanted))))

    def _answer_tagged(self, req: Request, resp: Response, answer: Mapping[str, Any]) -> None:
        """Answer with an ETag, or that nothing has changed since the caller's own."""
        body = orjson.dumps(answer)
        etag = hashlib.blake2b(body, digest_size=_ETAG_BYTES).hexdigest()
        resp.etag = etag
        if any(known in ("*", etag) for known in req.if_none_match or ()):
            resp.status = _NOT_MODIFIED
        else:
            resp.data = body

    async def _asked(self, req: Request, kind: type[Asked]) -> tuple[str, Asked]:
        """Return who asks, and for what. Raises Invalid."""
        problems: list[FieldProblem] = []
        merchant = await self._merchant(req, problems)
        query = read(kind, req.query_string, problems)
        if merchant is None or query is None or problems:
            raise Invalid(problems)
        return merchant, query

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
        address = public_address(req, self._settings)

        def body(read: ReadMerchant) -> tuple[bytes, str | None]:
            # One row more than asked for tells whether there is a next page.
            rows = find(read, query.to_page(extra=1))
            answers = [answer(row) for row in rows[: query.limit]]
            following = next_page(address, query, last_id=answers[-1]["id"]) if len(rows) > query.limit else None
            return orjson.dumps(answers), following

        self._count(req, merchant=merchant, rows=query.weight)
        resp.data, following = await self._call(merchant, body, weight=query.weight)
        if following is not None:
            # In quotes, which Falcon would leave out: so the contract writes it.
            resp.append_link(following, '"next"')


class Objects(MerchantResource, Generic[Q, T]):
    """A merchant's objects of one kind: their list and, at the suffix `one`, each by its id."""

    def __init__(
        self,
        worker: Worker,
        authenticator: Authenticator,
        *,
        query: type[Q],
        find: Callable[[ReadMerchant, str, Q, Page], list[T]],
        find_one: Callable[[ReadMerchant, str, UUID], T],
        answer: Callable[[T], Mapping[str, Any]],
    ) -> None:
        super().__init__(worker, authenticator)
        self._query = query
        self._find = find
        self._find_one = find_one
        self._answer = answer

    async def on_get(self, req: Request, resp: Response) -> None:
        merchant, query = await self._asked(req, self._query)
        await self._list(
            req,
            resp,
            query,
            merchant=merchant,
            find=lambda read, page: self._find(read, merchant, query, page),
            answer=self._answer,
        )

    async def on_get_one(self, req: Request, resp: Response, id: str) -> None:
        await self._one(req, resp, id=id, find=self._find_one, answer=self._answer)

    on_head = on_get
    on_head_one = on_get_one


def parse_id(text: str) -> UUID:
    """Return the id of a path. Raises NotFound for anything else: no object has it."""
    try:
        id = UUID(text)
    except ValueError:
        raise NotFound("no such object") from None
    if str(id) != text.lower():
        raise NotFound("no such object")
    return id
