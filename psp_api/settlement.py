"""`/settlements`: the batches in which the merchant was paid, and the report of each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID

import orjson
from falcon.asgi import Request, Response

from psp_api.access.authentication import Authenticator
from psp_api.server.edge.exchange import CutShort
from psp_api.server.merchant_resource import MerchantResource, Objects, parse_id
from psp_api.server.problems.catalogue import NOT_ACCEPTABLE
from psp_api.server.problems.refusals import Overloaded, Refusal
from psp_api.server.wire.addresses import public_address
from psp_api.server.wire.answers import line_answer, settlement_answer
from psp_api.server.wire.queries import LineQuery, ReportQuery, SettlementQuery, next_page
from psp_api.server.worker import Worker
from psp_core.domain.kernel.errors import DomainError
from psp_core.domain.kernel.paging import NUMBERED_ROWS_MAX, PAGE_LIMIT_MAX
from psp_core.domain.settlement.report import Batch, ReportFormat, closing_lines
from psp_core.domain.settlement.settlements import Settlement, SettlementTotals
from psp_core.observability import get_logger
from psp_core.usecases.desk.read_merchant import ReadMerchant
from psp_core.usecases.desk.read_settlement_report import LINES_PER_PART, ReportParts, closed_settlement

MEDIA_TYPES = {ReportFormat.CSV: "text/csv", ReportFormat.PARQUET: "application/vnd.apache.parquet"}
_JSON = "application/json"
_CONTENT_TYPES = MEDIA_TYPES | {ReportFormat.CSV: "text/csv; charset=utf-8; header=present"}
_PART_WEIGHT = LINES_PER_PART // PAGE_LIMIT_MAX
# As much as a list may count: a limit on rows makes no report unreachable.
_COUNTED_LINES_MAX = NUMBERED_ROWS_MAX
_log = get_logger(__name__)


def settlements(worker: Worker, authenticator: Authenticator) -> Objects[SettlementQuery, Settlement]:
    return Objects(
        worker,
        authenticator,
        query=SettlementQuery,
        find=lambda read, merchant, query, page: read.settlements(merchant, where=query.to_filter(), page=page),
        find_one=lambda read, merchant, id: read.settlement(merchant, id=id),
        answer=settlement_answer,
    )


class Reports(MerchantResource):
    """`/settlements/{id}/report`: read and sent part by part, so that its size takes no memory."""

    async def on_get(self, req: Request, resp: Response, id: str) -> None:
        merchant, query = await self._asked(req, ReportQuery)
        await self._send(req, resp, merchant, id, query.format or _accepted(req))

    on_head = on_get

    async def _send(self, req: Request, resp: Response, merchant: str, id: str, format: ReportFormat) -> None:
        begin = self._worker.core.read_settlement_report.begin
        report = await self._call(merchant, partial(begin, customer_id=merchant, id=parse_id(id), format=format))
        settlement = report.settlement
        lines = min(settlement.totals.count + settlement.available.count, _COUNTED_LINES_MAX)
        self._count(req, merchant=merchant, rows=-(-lines // PAGE_LIMIT_MAX))
        # Before the answer begins: what fails here is still told as a problem.
        first = await self._part(merchant, report)
        resp.content_type = _CONTENT_TYPES[format]
        resp.set_header("Vary", "Accept")
        resp.set_header("Content-Disposition", f'attachment; filename="{_name(settlement, format)}"')
        resp.stream = self._parts(req, merchant, report, first)

    async def _parts(self, req: Request, merchant: str, report: ReportParts, first: bytes) -> AsyncIterator[bytes]:
        yield first
        try:
            while not report.is_whole:
                yield await self._part(merchant, report)
        except (DomainError, Overloaded) as failure:
            _log.warning("report cut short", request_id=req.context.request_id, reason=str(failure))
            raise CutShort from failure

    async def _part(self, merchant: str, report: ReportParts) -> bytes:
        return await self._call(merchant, report.next_part, weight=_PART_WEIGHT)


class Lines(Reports):
    """`/settlements/{id}/lines`: the report's lines as JSON, a page at a time, or as CSV the report itself."""

    async def on_get(self, req: Request, resp: Response, id: str) -> None:
        merchant, query = await self._asked(req, LineQuery)
        wanted = req.client_prefers([_JSON, MEDIA_TYPES[ReportFormat.CSV]])
        if wanted is None:
            raise Refusal(NOT_ACCEPTABLE, f"accept {_JSON} or {MEDIA_TYPES[ReportFormat.CSV]}")
        resp.set_header("Vary", "Accept")
        if wanted != _JSON:
            await self._send(req, resp, merchant, id, ReportFormat.CSV)
            return
        address = public_address(req, self._settings)
        self._count(req, merchant=merchant, rows=query.weight)
        resp.data, following = await self._call(
            merchant, partial(_page, address=address, query=query, merchant=merchant, id=parse_id(id))
        )
        if following is not None:
            resp.append_link(following, '"next"')

    on_head = on_get


def _page(read: ReadMerchant, *, address: str, query: LineQuery, merchant: str, id: UUID) -> tuple[bytes, str | None]:
    """Return a page of lines, and where the next one is; the last page ends with what balances them all."""
    settlement = closed_settlement(read, merchant, id=id)
    batch = Batch.of(settlement)
    # One more than asked for tells whether there is a next page.
    found = read.settlement_lines(batch, after=query.cursor, limit=query.limit + 1)
    lines, following = found[: query.limit], None
    if len(found) > query.limit and (last := lines[-1].payable_id):
        following = next_page(address, query, last_id=last)
    else:
        totals = SettlementTotals(settlement.totals, settlement.available)
        lines = [*lines, *closing_lines(batch, totals=totals, poured=settlement.poured)]
    return orjson.dumps([line_answer(line) for line in lines]), following


def _accepted(req: Request) -> ReportFormat:
    """Return the format that the caller would rather have. Raises Refusal when it takes neither."""
    wanted = req.client_prefers(list(MEDIA_TYPES.values()))
    if wanted is None:
        raise Refusal(NOT_ACCEPTABLE, f"accept {' or '.join(MEDIA_TYPES.values())}, or name a format in the query")
    return next(format for format, media_type in MEDIA_TYPES.items() if media_type == wanted)


def _name(settlement: Settlement, format: ReportFormat) -> str:
    """Return the file's name, which no other settlement of the merchant has."""
    return f"settlement-{settlement.due_on}-{settlement.currency}-{settlement.sequence}.{format}".lower()
