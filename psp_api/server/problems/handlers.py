"""Turn whatever was raised into `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from falcon import HTTPError
from falcon.asgi import App, Request, Response

from psp_api.server.problems.catalogue import BUG, OF_DOMAIN_ERRORS, OF_STATUSES, STORING_NOTHING, Problem
from psp_api.server.problems.refusals import ERRORS_MAX, FieldProblem, ProblemAnswer, Refusal
from psp_core.domain.intake.cards import without_card_data
from psp_core.domain.kernel.errors import DomainError
from psp_core.observability import get_logger

MEDIA_TYPE = "application/problem+json"
_INSTANCE_LENGTH_MAX = 256
_UNAUTHORIZED = 401
_CAUSE = "the request id leads us to the cause"
_log = get_logger(__name__)


def install(app: App[Request, Response]) -> None:
    app.add_error_handler(Exception, _on_bug)
    app.add_error_handler(HTTPError, _on_http_error)
    app.add_error_handler(DomainError, _on_domain_error)
    app.add_error_handler(Refusal, _on_refusal)


async def _on_refusal(req: Request, resp: Response, refusal: Refusal, _: Any) -> None:
    nothing = "; nothing was stored" if refusal.problem in STORING_NOTHING and req.method == "POST" else ""
    write(req, resp, refusal.problem, detail=refusal.detail + nothing, errors=refusal.errors, headers=refusal.headers)


async def _on_domain_error(req: Request, resp: Response, error: DomainError, _: Any) -> None:
    problem = problem_of(error)
    if problem.status == BUG.status:
        # Nothing that the caller could act on, or should know.
        _log.error(problem.code, request_id=req.context.request_id, route=req.uri_template, reason=str(error))
    write(req, resp, problem, detail=_CAUSE if problem.status == BUG.status else str(error))


async def _on_http_error(req: Request, resp: Response, error: HTTPError, _: Any) -> None:
    problem = OF_STATUSES.get(error.status_code) or replace(OF_DOMAIN_ERRORS[DomainError], status=error.status_code)
    write(req, resp, problem, detail=problem.title, headers=dict(error.headers or {}))


async def _on_bug(req: Request, resp: Response, error: Exception, _: Any) -> None:
    _log.error("bug", request_id=req.context.request_id, route=req.uri_template, exc_info=error)
    write(req, resp, BUG, detail=_CAUSE)


def problem_of(error: DomainError) -> Problem:
    """Return the problem of the error's class, or of the nearest one that it is derived from."""
    return next(OF_DOMAIN_ERRORS[kind] for kind in type(error).__mro__ if kind in OF_DOMAIN_ERRORS)


def type_of(problem: Problem) -> str:
    """Return where the problem is explained."""
    return f"/docs#{problem.code}"


def write(
    req: Request,
    resp: Response,
    problem: Problem,
    *,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> None:
    """Make `resp` the problem's answer."""
    body = problem_body(problem, detail=detail, path=req.path, request_id=req.context.request_id, errors=errors)
    resp.status = problem.status
    resp.content_type = MEDIA_TYPE
    resp.data = orjson.dumps(body)
    if problem.retry_after_s is not None:
        resp.set_header("Retry-After", str(problem.retry_after_s))
    if problem.status == _UNAUTHORIZED:
        resp.set_header("WWW-Authenticate", 'Bearer realm="psp"')
    for name, value in (headers or {}).items():
        resp.set_header(name, value)


def problem_body(
    problem: Problem, *, detail: str, path: str, request_id: str, errors: Sequence[FieldProblem]
) -> ProblemAnswer:
    """Return the problem document."""
    body: ProblemAnswer = {
        "type": type_of(problem),
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        # A path can hold anything, a card number too.
        "instance": without_card_data(path, "*")[:_INSTANCE_LENGTH_MAX],
        "code": problem.code,
        "request_id": request_id,
    }
    if errors:
        body["errors"] = list(errors[:ERRORS_MAX])
    if len(errors) > ERRORS_MAX:
        body["errors_not_listed"] = len(errors) - ERRORS_MAX
    return body
