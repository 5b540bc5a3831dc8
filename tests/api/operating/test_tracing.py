"""Traces: the caller's goes on through the API and the queue, into the drain run."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from falcon import testing
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from psp_api.main import build_app
from psp_core.adapters.postgres.schema.logins import Login
from psp_core.adapters.tracing import OpenTelemetryTraces
from psp_core.bootstrap import Core
from psp_core.domain.events import OutgoingMessage, QueueMessage
from psp_core.settings import Settings
from tests.api.bodies import a_body, create
from tests.api.server import ROOT, api_program
from tests.logins import api_urls, url_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE}-00f067aa0ba902b7-01"


@dataclass
class Collector:
    """What an OpenTelemetry collector is sent: (service, span, trace, parent) of every span, by span id."""

    url: str = ""
    spans: dict[str, tuple[str, str, str, str]] = field(default_factory=dict)

    def take(self, raw: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(raw).resource_spans:
            [service] = [item.value.string_value for item in resource.resource.attributes if item.key == "service.name"]
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans[span.span_id.hex()] = (
                        service,
                        span.name,
                        span.trace_id.hex(),
                        span.parent_span_id.hex(),
                    )


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield collector
        server.shutdown()


def relayed(core: Core) -> list[QueueMessage]:
    # The API may have ended before its relay came to it.
    core.keep_relaying().run_until_empty()
    return core.queue.receive(wait_s=5)


class TestTracing:
    def test_makes_a_span_in_the_callers_trace_and_sends_it_along(self, core: Core) -> None:
        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        app = build_app(core, tracer=provider.get_tracer("test"))

        async def post() -> None:
            async with testing.ASGIConductor(app) as conductor:
                headers = {"x-customer-id": "m", "traceparent": CALLER}
                assert (await conductor.post("/transactions", json=a_body(), headers=headers)).status_code == 201
                assert (await conductor.get("/nowhere", headers=headers)).status_code == 404

        asyncio.run(post())

        created, missing = exporter.get_finished_spans()
        assert (created.name, missing.name) == ("POST /transactions", "GET")
        assert {f"{span.context.trace_id:032x}" for span in (created, missing) if span.context} == {TRACE}
        assert created.context is not None
        [message] = relayed(core)
        assert message.traceparent == f"00-{TRACE}-{created.context.span_id:016x}-01"

    def test_passes_the_callers_on_when_no_traces_are_made_here(self, core: Core) -> None:
        async def post() -> None:
            async with testing.ASGIConductor(build_app(core)) as conductor:
                headers = {"x-customer-id": "m", "traceparent": CALLER}
                await conductor.post("/transactions", json=a_body(), headers=headers)

        asyncio.run(post())

        [message] = relayed(core)
        assert message.traceparent == CALLER

    @pytest.mark.parametrize("broken", ["00-zz-zz-01", "x" * 500, f"00-{'0' * 32}-{'0' * 16}-01"])
    def test_ignores_a_broken_trace_context(self, core: Core, broken: str) -> None:
        async def post() -> None:
            async with testing.ASGIConductor(build_app(core)) as conductor:
                headers = {"x-customer-id": "m", "traceparent": broken}
                assert (await conductor.post("/transactions", json=a_body(), headers=headers)).status_code == 201

        asyncio.run(post())

        [message] = relayed(core)
        assert message.traceparent is None


class TestATrace:
    def test_leads_from_the_caller_through_the_queue_into_the_drain(
        self, core: Core, settings: Settings, collector: Collector, tmp_path: Path
    ) -> None:
        database_url = settings.database_url.get_secret_value()
        environment = {
            **api_urls(database_url),
            "PSP_SQS_ENDPOINT_URL": str(settings.sqs_endpoint_url),
            "PSP_SQS_QUEUE_NAME": settings.sqs_queue_name,
            "PSP_DRAIN_LINGER_S": "2",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        program, url = api_program(tmp_path, environment=environment)

        with program, httpx.Client(base_url=url, headers={"x-customer-id": "m", "traceparent": CALLER}) as client:
            create(client)
        subprocess.run(
            [sys.executable, "-m", "psp_core.cli", "drain", "--until-empty"],
            env={**os.environ, **environment, "PSP_DATABASE_URL": url_of(Login.RUNS, database_url)},
            cwd=ROOT,
            check=True,
        )

        [posted] = [id for id, (_, name, *_) in collector.spans.items() if name == "POST /transactions"]
        [drained] = [id for id, (_, name, *_) in collector.spans.items() if name == "drain"]
        assert collector.spans[posted] == ("psp-api", "POST /transactions", TRACE, "00f067aa0ba902b7")
        assert collector.spans[drained] == ("psp-drain", "drain", TRACE, posted)


class TestDraining:
    def test_is_seen_in_the_trace_of_every_message_and_ignores_broken_ones(self, core: Core) -> None:
        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        core.queue.send([OutgoingMessage([], context) for context in (CALLER, CALLER.replace("4", "5"), "x", None)])

        report = replace(core.drain_queue, traces=OpenTelemetryTraces(provider))()

        assert report.messages == 4
        traces = {f"{span.context.trace_id:032x}" for span in exporter.get_finished_spans() if span.context}
        assert traces == {TRACE, TRACE.replace("4", "5")}
        assert len(exporter.get_finished_spans()) == 2
