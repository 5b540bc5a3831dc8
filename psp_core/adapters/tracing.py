"""OpenTelemetry traces, made only when the environment names where they go (OTEL_EXPORTER_OTLP_ENDPOINT).

The libraries are imported only then: they would add a third of a second to every start.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psp_core.domain.events import QueueMessage
from psp_core.ports.events import Traces

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

FLUSH_TIMEOUT_MS = 5_000


def tracer_provider(*, service_name: str) -> TracerProvider | None:
    """Return what makes spans and sends them away in the background; None when nobody wants them.

    OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come before `service_name`.
    """
    if not any(name.startswith("OTEL_EXPORTER_OTLP") for name in os.environ):
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named_elsewhere = "OTEL_SERVICE_NAME" in os.environ
    provider = TracerProvider(resource=Resource.create({} if named_elsewhere else {SERVICE_NAME: service_name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def drain_traces() -> Traces:
    provider = tracer_provider(service_name="psp-drain")
    return NoTraces() if provider is None else OpenTelemetryTraces(provider)


@dataclass(frozen=True, slots=True)
class NoTraces:
    @contextmanager
    def processing(self, _messages: Sequence[QueueMessage]) -> Iterator[None]:
        yield

    def flush(self) -> None:
        return


@dataclass(frozen=True, slots=True)
class OpenTelemetryTraces:
    provider: TracerProvider

    @contextmanager
    def processing(self, messages: Sequence[QueueMessage]) -> Iterator[None]:
        """A consumer span for each message that belongs to a trace, in that trace, while the block runs."""
        from opentelemetry.context import Context
        from opentelemetry.trace import SpanKind, get_current_span
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        tracer = self.provider.get_tracer("psp_core")
        propagator = TraceContextTextMapPropagator()
        with ExitStack() as spans:
            for message in messages:
                if message.traceparent is None:
                    continue
                context = propagator.extract({"traceparent": message.traceparent}, context=Context())
                if not get_current_span(context).get_span_context().is_valid:
                    continue
                attributes: dict[str, str | int] = {
                    "messaging.system": "aws_sqs",
                    "messaging.operation.type": "process",
                    "messaging.message.id": message.message_id,
                    "psp.transactions": len(message.transaction_ids or ()),
                }
                span = tracer.start_as_current_span("drain", context, kind=SpanKind.CONSUMER, attributes=attributes)
                spans.enter_context(span)
            yield

    def flush(self) -> None:
        """Send what is still here: a run's process may end without running what is registered for its exit."""
        self.provider.force_flush(FLUSH_TIMEOUT_MS)
