"""`/health` and `/metrics`: for orchestrators and Prometheus, without a merchant, and for nobody outside."""

from __future__ import annotations

import asyncio

import orjson
from falcon.asgi import Request, Response

from psp_api.server import metrics
from psp_api.server.activity import NOBODYS
from psp_api.server.problems.catalogue import NO_SUCH_PATH, RETRY_AFTER_S
from psp_api.server.problems.refusals import Overloaded, Refusal
from psp_api.server.worker import Worker
from psp_core.domain.kernel.errors import StorageUnavailable

_UNAVAILABLE = 503
# Has a turn of its own, and no merchant's name: there is no such character in one.
_NOBODY = f"{NOBODYS}operations"
# What a proxy or load balancer adds to a request that comes from outside. It may also keep these paths back, but how a
# path can be written is a long list.
_FORWARDED = ("X-Forwarded-For", "Forwarded", "Via")


def _refuse_forwarded(req: Request) -> None:
    """Refuse a request that came through a proxy, as if there were no such path. Raises Refusal."""
    if any(req.get_header(name) is not None for name in _FORWARDED):
        raise Refusal(NO_SUCH_PATH, NO_SUCH_PATH.title)


class Live:
    """The process answers."""

    async def on_get(self, req: Request, resp: Response) -> None:
        _refuse_forwarded(req)
        resp.data = b'{"status":"ok"}'

    on_head = on_get


class Ready:
    """200 while transactions can be stored; `degraded` when the queue is down, because the outbox holds them."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def on_get(self, req: Request, resp: Response) -> None:
        _refuse_forwarded(req)
        queue, schema = await asyncio.gather(self._queue_answers(), self._schema_is_current())
        resp.data = orjson.dumps(
            {
                "status": "unavailable" if not schema else "ok" if queue else "degraded",
                "database": "down" if schema is None else "up",
                "schema": {None: "unknown", True: "current", False: "behind"}[schema],
                "queue": "up" if queue else "down",
            }
        )
        if not schema:
            resp.status = _UNAVAILABLE
            resp.set_header("Retry-After", str(RETRY_AFTER_S))

    on_head = on_get

    async def _schema_is_current(self) -> bool | None:
        try:
            return await self._worker.readers.call(lambda _: self._worker.health.schema_is_current(), merchant=_NOBODY)
        except (StorageUnavailable, Overloaded):
            return None

    async def _queue_answers(self) -> bool:
        try:
            return await self._worker.queue_probe.call(lambda _: self._worker.health.queue_answers(), merchant=_NOBODY)
        except (StorageUnavailable, Overloaded):
            # It took longer than the probe may; a thread of its own, so that no reader waits with it.
            return False


class Metrics:
    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def on_get(self, req: Request, resp: Response) -> None:
        _refuse_forwarded(req)
        try:
            depth = await self._worker.readers.call(lambda _: self._worker.health.outbox_depth(), merchant=_NOBODY)
        except (StorageUnavailable, Overloaded):
            # What the process counted itself matters most now.
            depth = None
        resp.data = await asyncio.get_running_loop().run_in_executor(None, metrics.exposition, depth)
        resp.content_type = "text/plain; version=0.0.4; charset=utf-8"

    on_head = on_get
