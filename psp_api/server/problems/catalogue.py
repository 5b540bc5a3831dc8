"""Every problem that the API answers with: its stable code, its status and its title."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psp_core.domain.kernel import errors

RETRY_AFTER_S = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of problem. `retry_after_s` is set when the same request may succeed later."""

    status: int
    code: str
    title: str
    retry_after_s: int | None = None


BROKEN_REQUEST = Problem(400, "broken_request", "The request cannot be read")
BROKEN_JSON = Problem(400, "broken_json", "The body is not JSON")
UNAUTHENTICATED = Problem(401, "unauthenticated", "An API key is needed")
NO_SUCH_PATH = Problem(404, "no_such_path", "There is nothing at this path")
METHOD_NOT_ALLOWED = Problem(405, "method_not_allowed", "This method is not allowed here")
TOO_SLOW = Problem(408, "too_slow", "The request did not come in time")
BODY_TOO_LARGE = Problem(413, "body_too_large", "The body is too large")
TARGET_TOO_LONG = Problem(414, "target_too_long", "The path and the parameters are too long")
NOT_JSON = Problem(415, "unsupported_media_type", "The body must be application/json")
EXPECTATION_FAILED = Problem(417, "expectation_failed", "This cannot be expected")
INVALID = Problem(422, "validation_failed", "Some fields are missing or wrong")
TOO_MANY_REQUESTS = Problem(429, "rate_limited", "Too many requests", RETRY_AFTER_S)
TOO_MANY_LOGINS = Problem(429, "too_many_failed_logins", "Too many wrong API keys", RETRY_AFTER_S)
HEAD_TOO_LARGE = Problem(431, "head_too_large", "The request's head is too large")
BUG = Problem(500, "internal_error", "Something went wrong on our side")
NOT_IMPLEMENTED = Problem(501, "not_implemented", "The request uses a part of HTTP that is not known here")
VERSION_NOT_SUPPORTED = Problem(505, "version_not_supported", "The request uses another version of HTTP")
OVERLOADED = Problem(503, "overloaded", "Too many requests are waiting", RETRY_AFTER_S)


def _of(error: type[errors.DomainError], status: int, title: str, retry_after_s: int | None = None) -> Problem:
    return Problem(status, error.code, title, retry_after_s)


OF_DOMAIN_ERRORS: Mapping[type[errors.DomainError], Problem] = {
    errors.DomainError: _of(errors.DomainError, 422, "This was refused"),
    errors.NotFound: _of(errors.NotFound, 404, "There is no such object"),
    errors.InvalidCredentials: _of(errors.InvalidCredentials, 401, "The API key is not good"),
    errors.InsufficientScope: _of(errors.InsufficientScope, 403, "The API key may not do this"),
    errors.CustomerMismatch: _of(errors.CustomerMismatch, 403, "The API key is another merchant's"),
    errors.ApiKeyNotActive: _of(errors.ApiKeyNotActive, 409, "The API key has ended"),
    errors.ApiKeysNotConfigured: _of(errors.ApiKeysNotConfigured, 500, "The server is not set up for API keys"),
    errors.IdempotencyKeyReused: _of(errors.IdempotencyKeyReused, 422, "The key belongs to another request"),
    errors.RequestInProgress: _of(errors.RequestInProgress, 409, "The first request is still running", RETRY_AFTER_S),
    errors.SettlementInProgress: _of(errors.SettlementInProgress, 409, "The date is being settled", RETRY_AFTER_S),
    errors.HoldLost: _of(errors.HoldLost, 409, "Another process has taken over", RETRY_AFTER_S),
    errors.NotDueYet: _of(errors.NotDueYet, 409, "The date has not come"),
    errors.NotOverYet: _of(errors.NotOverYet, 409, "The date is not over"),
    errors.EntryReversed: _of(errors.EntryReversed, 409, "The entry was reversed before"),
    errors.InsufficientFunds: _of(errors.InsufficientFunds, 422, "There is not enough money"),
    errors.LedgerNotOpen: _of(errors.LedgerNotOpen, 503, "Balances are being set up", retry_after_s=60),
    errors.UnknownMerchant: _of(errors.UnknownMerchant, 404, "There is no such merchant"),
    errors.TimeZoneChanged: _of(errors.TimeZoneChanged, 500, "The server is set up for other days"),
    errors.StorageUnavailable: _of(errors.StorageUnavailable, 503, "The database is not available", RETRY_AFTER_S),
    errors.QueueUnavailable: _of(errors.QueueUnavailable, 503, "The queue is not available", RETRY_AFTER_S),
    errors.AlarmNotDelivered: _of(errors.AlarmNotDelivered, 500, "Nobody could be told"),
    errors.BooksDoNotBalance: _of(errors.BooksDoNotBalance, 500, "The books do not balance"),
}
"""The one table of HTTP statuses for the core's refusals; a test keeps it complete."""

OF_STATUSES: Mapping[int, Problem] = {
    problem.status: problem
    for problem in (BROKEN_REQUEST, NO_SUCH_PATH, METHOD_NOT_ALLOWED, BODY_TOO_LARGE, NOT_JSON, BUG)
}
"""For what the framework refuses by itself."""
