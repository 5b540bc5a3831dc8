"""The application that gunicorn's workers run: `gunicorn -c psp_api/gunicorn_conf.py "psp_api.main:create_app()"`."""

from __future__ import annotations

from falcon.asgi import App, Request, Response

from psp_api.authentication import Authenticator, BearerKey, TrustedHeader
from psp_api.observation import Observation
from psp_api.problems import handlers
from psp_api.resources import documentation, health, payables, settlements, transactions
from psp_api.worker import Worker, build_api_core
from psp_core.bootstrap import Core
from psp_core.observability import configure_logging, configure_tracing
from psp_core.settings import Settings


def create_app() -> App[Request, Response]:
    """Build the application from the environment. Called in each worker, after the fork."""
    settings = Settings()
    configure_logging(settings)
    configure_tracing(service_name="psp-api")
    return build_app(build_api_core(settings))


def build_app(core: Core) -> App[Request, Response]:
    """Build the application around a core; its relay starts with the server's lifespan."""
    worker = Worker(core)
    authenticator = _authenticator(worker)
    app = App[Request, Response]()
    app.add_middleware(worker)
    app.add_middleware(Observation(logs_requests=core.settings.log_level in ("DEBUG", "INFO")))
    app.req_options.strip_url_path_trailing_slash = True
    handlers.install(app)
    app.add_route("/transactions", transactions.Transactions(worker, authenticator))
    app.add_route("/transactions/batch", transactions.Batch(worker, authenticator))
    app.add_route("/transactions/{id}", transactions.OneTransaction(worker, authenticator))
    app.add_route("/transactions/{id}/payables", transactions.TransactionPayables(worker, authenticator))
    app.add_route("/payables", payables.Payables(worker, authenticator))
    app.add_route("/payables/{id}", payables.OnePayable(worker, authenticator))
    app.add_route("/settlements", settlements.Settlements(worker, authenticator))
    app.add_route("/settlements/{id}", settlements.OneSettlement(worker, authenticator))
    app.add_route("/health/live", health.Live())
    app.add_route("/health/ready", health.Ready(worker))
    app.add_route("/metrics", health.Metrics(worker))
    app.add_route("/openapi.json", documentation.OpenApi(auth_mode=core.settings.auth_mode))
    docs = documentation.Docs()
    app.add_route("/docs", docs)
    app.add_route("/docs/{name}", docs)
    return app


def _authenticator(worker: Worker) -> Authenticator:
    if worker.settings.auth_mode == "api-key":
        return BearerKey(worker.core.authenticate, worker.readers)
    return TrustedHeader()
