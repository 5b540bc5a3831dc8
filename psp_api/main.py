"""The application that gunicorn's workers run: `gunicorn -c psp_api/gunicorn_conf.py "psp_api.main:create_app()"`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from falcon.asgi import App, Request, Response

from psp_api import operations, payables, settlement
from psp_api.access.authentication import Authenticator, BearerKey, TrustedHeader
from psp_api.access.failed_logins import FailedLogins
from psp_api.access.rate_limits import RateLimited, RateLimits
from psp_api.intake import transactions
from psp_api.ledger import balance
from psp_api.pricing import plans
from psp_api.refunds import resource as refunds
from psp_api.server.edge.exchange import RefusedAtTheEdge
from psp_api.server.observation import Observation
from psp_api.server.openapi import documentation
from psp_api.server.problems import handlers
from psp_api.server.worker import Worker, build_api_core
from psp_core.bootstrap import Core
from psp_core.observability import configure_logging, configure_tracing
from psp_core.settings import Settings, load

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer


def create_app() -> App[Request, Response]:
    """Build the application from the environment. Called in each worker, after the fork."""
    settings = load(Settings)
    configure_logging(settings)
    return build_app(build_api_core(settings), tracer=configure_tracing(service_name="psp-api"))


def build_app(core: Core, *, tracer: Tracer | None = None) -> App[Request, Response]:
    """Build the application around a core; its relay starts with the server's lifespan."""
    worker = Worker(core)
    authenticator = _authenticator(worker)
    app = App[Request, Response]()
    app.add_middleware(worker)
    app.add_middleware(Observation(logs_requests=core.settings.log_level in ("DEBUG", "INFO")))
    if tracer is not None:
        # Importing it takes longer than all the rest of the API.
        from psp_api.server.tracing import Tracing

        app.add_middleware(Tracing(tracer))
    app.add_middleware(RefusedAtTheEdge())
    if per_minute := core.settings.api_rate_limit_per_minute:
        authenticator = RateLimited(authenticator, RateLimits(math.ceil(per_minute / core.settings.api_workers)))
        app.add_middleware(authenticator)
    app.req_options.strip_url_path_trailing_slash = True
    handlers.install(app)
    _add_routes(app, worker, authenticator)
    return app


def _authenticator(worker: Worker) -> Authenticator:
    settings = worker.settings
    if settings.auth_mode == "api-key":
        failed_logins = FailedLogins(settings.api_failed_logins_free)
        return BearerKey(worker.core.authenticate, worker.readers, failed_logins, settings.api_trusted_proxies)
    return TrustedHeader()


def _add_routes(app: App[Request, Response], worker: Worker, authenticator: Authenticator) -> None:
    accepted = transactions.Transactions(worker, authenticator)
    app.add_route("/transactions", accepted)
    app.add_route("/transactions/batch", transactions.Batch(worker, authenticator))
    app.add_route("/transactions/{id}", accepted, suffix="one")
    app.add_route("/transactions/{id}/payables", accepted, suffix="payables")
    app.add_route("/transactions/{id}/refunds", refunds.RefundsOfATransaction(worker, authenticator))
    for path, objects in (
        ("/payables", payables.payables(worker, authenticator)),
        ("/settlements", settlement.settlements(worker, authenticator)),
        ("/refunds", refunds.refunds(worker, authenticator)),
    ):
        app.add_route(path, objects)
        app.add_route(f"{path}/{{id}}", objects, suffix="one")
    app.add_route("/plans/current", plans.Plans(worker, authenticator))
    app.add_route("/settlements/{id}/lines", settlement.Lines(worker, authenticator))
    app.add_route("/settlements/{id}/report", settlement.Reports(worker, authenticator))
    app.add_route("/balance", balance.BalanceOf(worker, authenticator))
    app.add_route("/balance/transactions", balance.BalanceTransactions(worker, authenticator))
    app.add_route("/health/live", operations.Live())
    app.add_route("/health/ready", operations.Ready(worker))
    app.add_route("/metrics", operations.Metrics(worker))
    app.add_route(
        "/openapi.json", documentation.OpenApi(auth_mode=worker.settings.auth_mode, time_zone=worker.settings.time_zone)
    )
    docs = documentation.Docs()
    app.add_route("/docs", docs)
    app.add_route("/docs/{name}", docs)
