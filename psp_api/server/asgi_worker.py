"""gunicorn's worker: uvicorn's server and event loop, with connections of our own."""

from __future__ import annotations

from functools import partial
from typing import Any

from uvicorn_worker import UvicornWorker

from psp_api.server.edge.connection import Connection
from psp_api.server.edge.exchange import Limits
from psp_core.settings import Settings


class AsgiWorker(UvicornWorker):  # type: ignore[misc]  # it comes without types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        settings = Settings()
        limits = Limits(
            head_timeout_s=settings.api_head_timeout_s,
            body_timeout_s=settings.api_body_timeout_s,
            body_bytes_per_s_min=settings.api_body_bytes_per_s_min,
            idle_timeout_s=settings.api_idle_timeout_s,
            connections_max=settings.api_connections_max,
        )
        self.CONFIG_KWARGS = {
            "loop": "uvloop",
            "http": partial(Connection, limits=limits),
            "lifespan": "on",
            "interface": "asgi3",
            "ws": "none",
            # Who asks is told by a header or a key, never by an address.
            "proxy_headers": False,
            "server_header": False,
        }
        super().__init__(*args, **kwargs)
