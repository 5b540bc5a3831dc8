"""A span for every request, in the caller's trace. Only used when the environment asks for traces."""

from __future__ import annotations

from typing import Any

from falcon.asgi import Request, Response
from opentelemetry.propagate import extract
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from psp_api.server.wire.headers import traceparent
from psp_core.domain.intake.cards import holds_card_data

_SERVER_ERROR = 500


class Tracing:
    """Falcon middleware. What it stores as `traceparent` goes with the transaction, through the queue."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    async def process_request(self, req: Request, _resp: Response) -> None:
        carrier = {
            "traceparent": traceparent(req.get_header("Traceparent")),
            "tracestate": req.get_header("Tracestate"),
        }
        carrier = {name: value for name, value in carrier.items() if value and not holds_card_data(value)}
        span = self._tracer.start_span(req.method, context=extract(carrier), kind=SpanKind.SERVER)
        context = span.get_span_context()
        req.context.span = span
        if context.is_valid:
            req.context.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    async def process_response(self, req: Request, resp: Response, _resource: Any, _succeeded: bool) -> None:
        span = req.context.span
        span.update_name(f"{req.method} {req.uri_template or ''}".rstrip())
        span.set_attributes(
            {
                "http.request.method": req.method,
                "http.route": req.uri_template or "",
                "http.response.status_code": resp.status_code,
                "psp.request_id": req.context.request_id,
            }
        )
        if resp.status_code >= _SERVER_ERROR:
            span.set_status(Status(StatusCode.ERROR))
        span.end()
