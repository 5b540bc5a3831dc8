"""Traces: the caller's goes on through the API and the queue."""

from __future__ import annotations

import asyncio

import pytest
from falcon import testing
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from psp_api.main import build_app
from psp_core.bootstrap import Core
from psp_core.domain.messages import QueueMessage
from tests.api.bodies import a_body

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE}-00f067aa0ba902b7-01"


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
