"""Request headers: who asks, under which key, and what kind of body follows."""

from __future__ import annotations

import re
from collections.abc import Mapping

from psp_api.server.problems.catalogue import BODY_TOO_LARGE, NOT_JSON
from psp_api.server.problems.refusals import FieldProblem, Refusal
from psp_api.server.wire.field_problems import card_data
from psp_core.domain.intake.cards import CardNumbers, holds_card_data
from psp_core.domain.intake.idempotency import KEY_LENGTH_MAX

_BARE = f"[!#-~]([ -~]{{0,{KEY_LENGTH_MAX - 2}}}[!-~])?"
_QUOTED = rf'"([ !#-\[\]-~]|\\["\\]){{1,{KEY_LENGTH_MAX}}}"'
CUSTOMER_ID_PATTERN = "[!-~]([ -~]{0,253}[!-~])?"
IDEMPOTENCY_KEY_PATTERN = f"({_BARE}|{_QUOTED})"
_CUSTOMER_ID = re.compile(CUSTOMER_ID_PATTERN)
_BARE_KEY = re.compile(_BARE)
_QUOTED_KEY = re.compile(_QUOTED)
_ESCAPED = re.compile(r"\\(.)")
_SPACES = " \t"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def customer_id(value: str | None, problems: list[FieldProblem]) -> str | None:
    """Return the merchant that `x-customer-id` names, or None after adding the problem."""
    if value and _CUSTOMER_ID.fullmatch(value):
        return _without_card("x-customer-id", value, problems)
    if value:
        problems.append(_wrong("x-customer-id", "wrong_format", "must be 1 to 255 visible ASCII characters"))
    else:
        problems.append(_wrong("x-customer-id", "required", "must name the merchant"))
    return None


def idempotency_key(value: str | None, problems: list[FieldProblem]) -> str | None:
    """Return the key, without its quotes when it is a structured-field string; None when there is none."""
    if value is None:
        return None
    if _BARE_KEY.fullmatch(value):
        return _without_card("idempotency-key", value, problems)
    if _QUOTED_KEY.fullmatch(value):
        return _without_card("idempotency-key", _ESCAPED.sub(r"\1", value[1:-1]), problems)
    detail = f"must be 1 to {KEY_LENGTH_MAX} visible ASCII characters, quoted or bare"
    problems.append(_wrong("idempotency-key", "wrong_format", detail))
    return None


def require_json(content_type: str | None) -> None:
    """Raise Refusal unless the body is said to be JSON (which is UTF-8, RFC 8259)."""
    if content_type is None or not _is_json(content_type):
        raise Refusal(
            NOT_JSON, "send the header Content-Type: application/json", headers={"Accept": "application/json"}
        )


def require_plain(content_encoding: str | None) -> None:
    """Raise Refusal for a body that is said to be compressed."""
    if content_encoding is not None and content_encoding.lower() != "identity":
        raise Refusal(
            NOT_JSON, "send the body as it is, without Content-Encoding", headers={"Accept-Encoding": "identity"}
        )


def require_size(content_length: int | None, *, bytes_max: int) -> None:
    """Raise Refusal for a body that is too large to be read."""
    if content_length is not None and content_length > bytes_max:
        raise Refusal(BODY_TOO_LARGE, f"the body may have {bytes_max} bytes")


def sane_request_id(value: str | None) -> str | None:
    """Return the caller's own request id when it can be put into headers and logs as it is: no card number."""
    return value if value and _REQUEST_ID.fullmatch(value) and not holds_card_data(value) else None


def traceparent(value: str | None) -> str | None:
    """Return a valid W3C trace context, and None instead of a broken one.

    One in a thousand ids of random hex has what passes for a card number: that trace is not followed either.
    """
    # With a letter before it, the trace id is not taken for a UUID.
    return value if value and _TRACEPARENT.fullmatch(value) and not holds_card_data(f"z{value[3:]}") else None


def refuse_card_in_trace(value: str | None, problems: list[FieldProblem]) -> None:
    """Add a problem for a trace context with a card number where an id has no letter: that is no accident."""
    if value is None or not _TRACEPARENT.fullmatch(value):
        return
    trace_id, parent_id = value[3:35], value[36:52]
    # Written apart, so that a number is found anywhere in it: the id is longer than any.
    if (trace_id.isdecimal() and holds_card_data(" ".join(trace_id))) or (
        parent_id.isdecimal() and holds_card_data(parent_id)
    ):
        problems.append(card_data("header:traceparent"))


def refuse_numbers(numbers: CardNumbers, sent: Mapping[str, str | None], problems: list[FieldProblem]) -> None:
    """Add a problem for each header that holds one of the request's own card numbers, whatever its brand."""
    problems += [card_data(f"header:{name}") for name, value in sent.items() if value and numbers.are_in(value)]


def _without_card(header: str, value: str, problems: list[FieldProblem]) -> str | None:
    if holds_card_data(value):
        problems.append(card_data(f"header:{header}"))
        return None
    return value


def _is_json(content_type: str) -> bool:
    media_type, *parameters = (part.strip(_SPACES).lower() for part in content_type.split(";"))
    given = [parameter for parameter in parameters if parameter]
    return media_type == "application/json" and (not given or (len(given) == 1 and _is_utf_8(given[0])))


def _is_utf_8(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.rstrip(_SPACES) == "charset" and value.lstrip(_SPACES) in ("utf-8", "utf8", '"utf-8"', '"utf8"')


def _wrong(header: str, code: str, detail: str) -> FieldProblem:
    return {"pointer": f"header:{header}", "code": code, "detail": detail}
