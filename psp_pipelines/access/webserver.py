"""Dagster's webserver, with a guard in front, a record of what is done in it, and by whom.

`python -m psp_pipelines.access.webserver --host 127.0.0.1 --port 3001 [--read-only]`

Dagster offers its webserver as a command, without a place for either. What is private to it here is in decision 21.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import uvicorn
from dagster import DagsterInstance, __version__
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._utils.log import configure_loggers
from dagster_webserver.webserver import DagsterWebserver
from graphene import Schema
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute

from psp_core.bootstrap import build_core
from psp_core.domain.kernel.errors import StorageUnavailable
from psp_core.domain.operations.operator_actions import Outcome
from psp_core.settings import Settings, load
from psp_pipelines.access.actors import ACTOR_TAG, actor_header, actor_in
from psp_pipelines.access.page_actions import RecordPageActions
from psp_pipelines.access.refusals import refuse_without_reason
from psp_pipelines.access.report_files import report_routes
from psp_pipelines.access.same_origin import SameOrigin

# Those of the command `dagster-webserver`, but for one.
_STATEMENT_TIMEOUT_MS = 15_000
_POOL_RECYCLE_S = 1
"""A connection that Postgres closed when it was restarted would fail a page minutes later."""

_POOL_OVERFLOW_MAX = 20
_POLL_RATE_MS = 2_000
_REFUSED_FROM = 400
_CONNECT_WITHIN_S = 10
"""To the platform's database: whoever has pressed would rather wait on a busy machine than press again."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class AttributedContext(WorkspaceRequestContext):
    """A request's context, in which a backfill is launched: its runs are requested later, by the daemon."""

    def get_viewer_tags(self) -> dict[str, str]:
        header = actor_header()
        headers = getattr(self.source, "headers", {})
        actor = actor_in(headers.get(header)) if header else None
        return {ACTOR_TAG: actor} if actor else {}


class AttributedProcess(WorkspaceProcessContext):
    def create_request_context(self, source: object | None = None) -> AttributedContext:
        return AttributedContext(
            instance=self.instance,
            current_workspace=self.get_current_workspace(),
            process_context=self,
            version=self.version,
            source=source,
            read_only=self.read_only,
        )


class OperatorsWebserver(DagsterWebserver[AttributedProcess, AttributedContext]):
    """Dagster's own; whatever is to change something is recorded first."""

    def __init__(self, process: AttributedProcess, *, actions: RecordPageActions, hosts: frozenset[str]) -> None:
        self._actions = actions
        self._hosts = hosts
        super().__init__(process, live_data_poll_rate=_POLL_RATE_MS)

    def build_graphql_schema(self) -> Schema:
        schema = super().build_graphql_schema()
        refuse_without_reason(schema)
        # Around it: a refusal is recorded, too.
        self._actions.in_front_of(schema.graphql_schema)
        return schema

    def build_routes(self) -> list[BaseRoute]:
        # In front of Dagster's own, whose last one answers to every path.
        return [*report_routes(os.environ.get("PSP_REPORTS_URL", "")), *super().build_routes()]  # type: ignore[no-untyped-call]

    def build_middleware(self) -> list[Middleware]:
        return [Middleware(SameOrigin, hosts=self._hosts), *super().build_middleware()]

    async def report_asset_materialization_endpoint(self, request: Request) -> JSONResponse:
        return await self._reported(request, super().report_asset_materialization_endpoint)

    async def report_asset_check_endpoint(self, request: Request) -> JSONResponse:
        return await self._reported(request, super().report_asset_check_endpoint)

    async def report_asset_observation_endpoint(self, request: Request) -> JSONResponse:
        return await self._reported(request, super().report_asset_observation_endpoint)

    async def _reported(self, request: Request, answer: Callable[[Request], Awaitable[JSONResponse]]) -> JSONResponse:
        """Answer a request that changes something, and is no GraphQL."""
        with self.request_context(request) as context:
            actor = context.get_viewer_tags().get(ACTOR_TAG)
        name = request.url.path.split("/")[1]
        asked = {**request.path_params, **request.query_params, "body": (await request.body()).decode(errors="replace")}
        try:
            record = await run_in_threadpool(self._actions.begin, name, asked=asked, actor=actor)
        except StorageUnavailable as outage:
            return JSONResponse({"error": str(outage)}, status_code=503)
        response = await answer(request)
        accepted = response.status_code < _REFUSED_FROM
        outcome = Outcome.DONE if accepted else Outcome.REFUSED
        await run_in_threadpool(self._actions.end, record, outcome, f"answered with {response.status_code}")
        return response


def serve(*, host: str, port: int, workspace: str, read_only: bool) -> None:
    """Answer operators until interrupted. On loopback only its own names and PSP_OPERATIONS_URL's lead here."""
    configure_loggers()
    with (
        DagsterInstance.get() as instance,
        AttributedProcess(
            instance,
            version=__version__,
            read_only=read_only,
            workspace_load_target=WorkspaceFileTarget(paths=[workspace]),
        ) as process,
    ):
        instance.optimize_for_webserver(_STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_S, _POOL_OVERFLOW_MAX)
        patient = load(Settings).model_copy(update={"database_connect_timeout_s": _CONNECT_WITHIN_S})
        core = build_core(patient, application_name="psp-webserver")
        actions = RecordPageActions(core.record_operator_action)
        server = OperatorsWebserver(process, actions=actions, hosts=_hosts(host))
        uvicorn.run(server.create_asgi_app(), host=host, port=port, log_level="warning")


def _hosts(bound_to: str) -> frozenset[str]:
    if bound_to not in _LOOPBACK:
        return frozenset()
    published = urlsplit(os.environ.get("PSP_OPERATIONS_URL", "")).hostname
    return _LOOPBACK | ({published} if published else frozenset())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Dagster's pages, guarded")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--workspace", default="workspace.yaml")
    parser.add_argument("--read-only", action="store_true")
    asked = parser.parse_args()
    serve(host=asked.host, port=asked.port, workspace=asked.workspace, read_only=asked.read_only)
