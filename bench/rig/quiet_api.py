"""The API without its relay, for the row of the table that has the outbox written, but nobody reading it."""

from __future__ import annotations

from typing import Any

from falcon.asgi import App, Request, Response

from psp_api.main import build_app
from psp_api.server.worker import build_api_core
from psp_core.bootstrap import Core
from psp_core.observability import configure_logging
from psp_core.settings import Settings


class _NoRelay:
    def start(self) -> None: ...

    def wake(self) -> None: ...

    def stop(self) -> None: ...


class _CoreWithoutRelay(Core):
    def keep_relaying(self, **_: Any) -> Any:
        return _NoRelay()


def create_app() -> App[Request, Response]:
    settings = Settings()
    configure_logging(settings)
    core = build_api_core(settings)
    return build_app(_CoreWithoutRelay(core.settings, core.store, core.queue, core.clock, core.ids))
