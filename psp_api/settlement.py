"""`/settlements`: the batches in which the merchant was paid, and the report of each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from falcon.asgi import Request, Response

from psp_api.access.authentication import Authenticator
from psp_api.server.edge.exchange import CutShort
from psp_api.server.merchant_resource import MerchantResource, Objects, parse_id
from psp_api.server.problems.catalogue import NOT_ACCEPTABLE
from psp_api.server.problems.refusals import Overloaded, Refusal
from psp_api.server.wire.answers import settlement_answer
from psp_api.server.wire.queries import ReportQuery, SettlementQuery
from psp_api.server.worker import Worker
from psp_core.domain.kernel.errors import DomainError
from psp_core.domain.kernel.paging import NUMBERED_ROWS_MAX, PAGE_LIMIT_MAX
from psp_core.domain.settlement.report import ReportFormat
from psp_core.domain.settlement.settlements import Settlement
from psp_core.observability import get_logger
from psp_core.usecases.desk.read_settlement_report import LINES_PER_PART, ReportParts

MEDIA_TYPES = {ReportFormat.CSV: "text/csv", ReportFormat.PARQUET: "application/vnd.apache.parquet"}
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
        format = query.format or _accepted(req)
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

    on_head = on_get

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


def _accepted(req: Request) -> ReportFormat:
    """Return the format that the caller would rather have. Raises Refusal when it takes neither."""
    wanted = req.client_prefers(list(MEDIA_TYPES.values()))
    if wanted is None:
        raise Refusal(NOT_ACCEPTABLE, f"accept {' or '.join(MEDIA_TYPES.values())}, or name a format in the query")
    return next(format for format, media_type in MEDIA_TYPES.items() if media_type == wanted)


def _name(settlement: Settlement, format: ReportFormat) -> str:
    """Return the file's name, which no other settlement of the merchant has."""
    return f"settlement-{settlement.due_on}-{settlement.currency}-{settlement.sequence}.{format}".lower()
