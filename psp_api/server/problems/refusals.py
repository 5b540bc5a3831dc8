"""The API's own refusals: a problem with what the caller needs to know to do better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from psp_api.server.problems.catalogue import INVALID, OVERLOADED, Problem

ERRORS_MAX = 100
"""As many problems are listed; there may be more."""


class FieldProblem(TypedDict):
    """One thing that is wrong.

    `pointer` is a JSON pointer into the body (`/amount`), or names a header or query parameter
    (`header:x-customer-id`, `query:limit`). The value that was sent is never repeated.
    """

    pointer: Annotated[
        str, Field(description="where: `/amount` in the body, `header:x-customer-id`, or the parameter `query:limit`")
    ]
    code: Annotated[str, Field(description="what is wrong with it, for programs; stable")]
    detail: Annotated[str, Field(description="what is wrong with it, for people")]


class ProblemAnswer(TypedDict):
    """A problem document (RFC 9457). `code` is stable; `errors` lists what is wrong with the request.

    Everything, or the first 100 of it; then `errors_not_listed` is the number of the others.
    """

    type: Annotated[str, Field(description="where this page explains the problem")]
    title: Annotated[str, Field(description="what kind of problem it is, for people")]
    status: Annotated[int, Field(description="the status of the answer again")]
    detail: Annotated[str, Field(description="what is wrong with this request, for people")]
    instance: Annotated[str, Field(description="the path of the request, at most 256 characters of it")]
    code: Annotated[str, Field(description="what kind of problem it is, for programs; stable")]
    request_id: Annotated[str, Field(description="names the request in our logs, as the header `Request-Id` does")]
    errors: NotRequired[
        Annotated[list[FieldProblem], Field(description=f"everything that is wrong, or the first {ERRORS_MAX}")]
    ]
    errors_not_listed: NotRequired[
        Annotated[int, Field(description=f"how many more there are than the {ERRORS_MAX} that are listed")]
    ]


class Refusal(Exception):
    def __init__(
        self,
        problem: Problem,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}


class Invalid(Refusal):
    """Everything that is wrong with a request, at once."""

    def __init__(self, errors: Sequence[FieldProblem]) -> None:
        count = len(errors)
        listed = f", of which the first {ERRORS_MAX} are listed" if count > ERRORS_MAX else ""
        super().__init__(INVALID, f"{count} problem{'s' * (count != 1)}{listed}", errors=errors)


class Overloaded(Refusal):
    def __init__(self) -> None:
        super().__init__(OVERLOADED, "too many requests are waiting")
