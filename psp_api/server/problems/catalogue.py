"""Every problem that the API answers with: its stable code, its status and its title."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psp_core.domain.kernel import errors

RETRY_AFTER_S = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of problem. `meaning` tells a merchant's developer what happened, and what to do.

    `retry_after_s` is set when the same request may succeed later.
    """

    status: int
    code: str
    title: str
    meaning: str
    retry_after_s: int | None = None


BROKEN_REQUEST = Problem(
    400,
    "broken_request",
    "The request cannot be read",
    "It is not HTTP/1.1 as the standard has it: `detail` says where.",
)
BROKEN_JSON = Problem(
    400,
    "broken_json",
    "The body is not JSON",
    "The body ends too soon, has a key twice, or holds what JSON does not have; nothing in it was looked at.",
)
UNAUTHENTICATED = Problem(
    401, "unauthenticated", "An API key is needed", "Send the header `Authorization: Bearer` with your API key, once."
)
NO_SUCH_PATH = Problem(
    404, "no_such_path", "There is nothing at this path", "Compare the path with the operations on this page."
)
METHOD_NOT_ALLOWED = Problem(
    405, "method_not_allowed", "This method is not allowed here", "The header `Allow` names those that are."
)
NOT_ACCEPTABLE = Problem(
    406,
    "not_acceptable",
    "It cannot be sent in a format that is accepted",
    "The header `Accept` names no format in which there is an answer: `detail` says which there are.",
)
TOO_SLOW = Problem(
    408,
    "too_slow",
    "The request did not come in time",
    "A request's head must come within seconds, and its body no slower than `detail` says. It was not carried out.",
)
BODY_TOO_LARGE = Problem(
    413, "body_too_large", "The body is too large", "Send less at once: `detail` says how many bytes it may have."
)
TARGET_TOO_LONG = Problem(
    414, "target_too_long", "The path and the parameters are too long", "`detail` says how many bytes they may have."
)
NOT_JSON = Problem(
    415,
    "unsupported_media_type",
    "The body must be application/json",
    "Send the header `Content-Type: application/json`, and the body in UTF-8 and not compressed.",
)
EXPECTATION_FAILED = Problem(
    417, "expectation_failed", "This cannot be expected", "The header `Expect` may only say `100-continue`."
)
INVALID = Problem(
    422,
    "validation_failed",
    "Something is missing or wrong",
    "`errors` lists what is wrong with the body, the headers and the parameters, all at once.",
)
TOO_MANY_REQUESTS = Problem(
    429,
    "rate_limited",
    "Too many requests",
    "The minute's rows are used up: go on after `Retry-After` seconds. The headers `RateLimit` tell what is left.",
    RETRY_AFTER_S,
)
TOO_MANY_LOGINS = Problem(
    429,
    "too_many_failed_logins",
    "Too many wrong API keys",
    "So many wrong keys came from your address that it has to pause for `Retry-After` seconds. Correct the key first: "
    "each wrong one makes the pause longer.",
    RETRY_AFTER_S,
)
HEAD_TOO_LARGE = Problem(
    431, "head_too_large", "The request's head is too large", "Send fewer or shorter headers: `detail` says how many."
)
BUG = Problem(
    500,
    "internal_error",
    "Something went wrong on our side",
    "Tell us the `request_id`. What was sent by POST may have been stored: send it again with the same "
    "`Idempotency-Key`.",
)
NOT_IMPLEMENTED = Problem(
    501,
    "not_implemented",
    "The request uses a part of HTTP that is not known here",
    "Send the body with `Content-Length` or chunked.",
)
VERSION_NOT_SUPPORTED = Problem(
    505, "version_not_supported", "The request uses another version of HTTP", "Use HTTP/1.1."
)
OVERLOADED = Problem(
    503,
    "overloaded",
    "Too many requests are waiting",
    "It was not carried out: all places are taken, and whoever has most requests waiting gives way. Send it again "
    "after `Retry-After` seconds.",
    RETRY_AFTER_S,
)

_SETTLING_TAKES_S = 10
_OPENING_TAKES_S = 60
_FOR_OPERATORS = "Operators are told this; no request of a merchant meets it."


def _of(
    error: type[errors.DomainError], status: int, title: str, meaning: str, retry_after_s: int | None = None
) -> Problem:
    return Problem(status, error.code, title, meaning, retry_after_s)


OF_DOMAIN_ERRORS: Mapping[type[errors.DomainError], Problem] = {
    errors.DomainError: _of(errors.DomainError, 422, "This was refused", "`detail` says why."),
    errors.NotFound: _of(
        errors.NotFound,
        404,
        "There is no such object",
        "Nothing of yours has this id. What is another merchant's looks the same.",
    ),
    errors.InvalidCredentials: _of(
        errors.InvalidCredentials,
        401,
        "The API key is not good",
        "It is mistyped, has expired or was revoked, or is a test key where live ones are taken.",
    ),
    errors.InsufficientScope: _of(
        errors.InsufficientScope,
        403,
        "The API key may not do this",
        "GET needs a key with the scope `read`, POST one with `write`.",
    ),
    errors.CustomerMismatch: _of(
        errors.CustomerMismatch,
        403,
        "The API key is another merchant's",
        "Leave the header `x-customer-id` out: the key says who you are.",
    ),
    errors.ApiKeyNotActive: _of(errors.ApiKeyNotActive, 409, "The API key has ended", _FOR_OPERATORS),
    errors.ApiKeysNotConfigured: _of(
        errors.ApiKeysNotConfigured, 500, "The server is not set up for API keys", _FOR_OPERATORS
    ),
    errors.IdempotencyKeyReused: _of(
        errors.IdempotencyKeyReused,
        422,
        "The key belongs to another request",
        "A request with this `Idempotency-Key` and another body or path was answered before. A new request needs a new "
        "key.",
    ),
    errors.RequestInProgress: _of(
        errors.RequestInProgress,
        409,
        "The first request is still running",
        "Send it again after `Retry-After` seconds: then it gets the first one's answer.",
        RETRY_AFTER_S,
    ),
    errors.SettlementInProgress: _of(
        errors.SettlementInProgress, 409, "The date is being settled", _FOR_OPERATORS, RETRY_AFTER_S
    ),
    errors.SettlementOpen: _of(
        errors.SettlementOpen,
        409,
        "The settlement is still open",
        "Payables are being added to it. Ask again once its `status` is `closed`: then it never changes again.",
        _SETTLING_TAKES_S,
    ),
    errors.HoldLost: _of(errors.HoldLost, 409, "Another process has taken over", _FOR_OPERATORS, RETRY_AFTER_S),
    errors.NotDueYet: _of(errors.NotDueYet, 409, "The date has not come", _FOR_OPERATORS),
    errors.NotOverYet: _of(errors.NotOverYet, 409, "The date is not over", _FOR_OPERATORS),
    errors.EntryReversed: _of(errors.EntryReversed, 409, "The entry was reversed before", _FOR_OPERATORS),
    errors.InsufficientFunds: _of(
        errors.InsufficientFunds,
        422,
        "There is not enough money",
        "All that you have, and are to get, would fall below the limit that you agreed to. Nothing was refunded.",
    ),
    errors.RefundExceedsCaptured: _of(
        errors.RefundExceedsCaptured,
        422,
        "More than is left to refund",
        "`detail` says how much is left of what was captured. Nothing was refunded.",
    ),
    errors.AlreadyRefunded: _of(
        errors.AlreadyRefunded, 409, "It was refunded already", "There is nothing left of the transaction to refund."
    ),
    errors.RefundOver: _of(errors.RefundOver, 409, "The refund has failed before", _FOR_OPERATORS),
    errors.DebtIsLess: _of(errors.DebtIsLess, 422, "The merchant owes less", _FOR_OPERATORS),
    errors.TwoPeopleNeeded: _of(errors.TwoPeopleNeeded, 403, "Somebody else has to release it", _FOR_OPERATORS),
    errors.WriteOffOver: _of(errors.WriteOffOver, 409, "The write-off was released before", _FOR_OPERATORS),
    errors.TransactionNotReady: _of(
        errors.TransactionNotReady,
        409,
        "The transaction is too young",
        "Its payables are being made, which takes a moment. Send it again after `Retry-After` seconds.",
        RETRY_AFTER_S,
    ),
    errors.LedgerNotOpen: _of(
        errors.LedgerNotOpen,
        503,
        "Balances are being set up",
        "What was sold before there were balances is still being added to them. Ask again after `Retry-After` seconds.",
        _OPENING_TAKES_S,
    ),
    errors.UnknownMerchant: _of(errors.UnknownMerchant, 404, "There is no such merchant", _FOR_OPERATORS),
    errors.FeePlanChanged: _of(errors.FeePlanChanged, 409, "The terms were changed meanwhile", _FOR_OPERATORS),
    errors.PlanRulesOverlap: _of(
        errors.PlanRulesOverlap, 409, "The rules of prices contradict each other", _FOR_OPERATORS
    ),
    errors.DayIsOpen: _of(errors.DayIsOpen, 409, "The day is open", _FOR_OPERATORS),
    errors.TimeZoneChanged: _of(errors.TimeZoneChanged, 500, "The server is set up for other days", _FOR_OPERATORS),
    errors.StorageUnavailable: _of(
        errors.StorageUnavailable,
        503,
        "The database is not available",
        "Send it again after `Retry-After` seconds. What was sent by POST may have been stored: with the same "
        "`Idempotency-Key` it is stored once, and the first answer comes again.",
        RETRY_AFTER_S,
    ),
    errors.QueueUnavailable: _of(
        errors.QueueUnavailable, 503, "The queue is not available", _FOR_OPERATORS, RETRY_AFTER_S
    ),
    errors.AlarmNotDelivered: _of(errors.AlarmNotDelivered, 500, "Nobody could be told", _FOR_OPERATORS),
    errors.BooksDoNotBalance: _of(
        errors.BooksDoNotBalance,
        500,
        "The books do not balance",
        "A report that does not add up to its settlement is not sent. Tell us the `request_id`.",
    ),
}
"""The one table of HTTP statuses for the core's refusals; a test keeps it complete."""

STORING_NOTHING = frozenset({INVALID, TOO_MANY_REQUESTS, OVERLOADED})
"""Who wanted something stored is told that it was not."""

OF_STATUSES: Mapping[int, Problem] = {
    problem.status: problem
    for problem in (BROKEN_REQUEST, NO_SUCH_PATH, METHOD_NOT_ALLOWED, BODY_TOO_LARGE, NOT_JSON, BUG)
}
"""For what the framework refuses by itself."""


def every_problem() -> list[Problem]:
    """Return all of them, by status."""
    ours = [value for value in globals().values() if isinstance(value, Problem)]
    return sorted({*ours, *OF_DOMAIN_ERRORS.values()}, key=lambda problem: (problem.status, problem.code))
