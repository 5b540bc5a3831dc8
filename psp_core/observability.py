"""Logs and traces: one JSON object a line, and never anything that looks like a card number."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

import structlog

from psp_core.adapters.tracing import tracer_provider
from psp_core.domain.cards import CARD_DIGITS_MAX, CARD_DIGITS_MIN, passes_luhn
from psp_core.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

MASK = "[card number removed]"

# A UUID is tried first and kept: its groups could pass for the digits of a card.
_SUSPECT = re.compile(
    r"(?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    rf"|(?<!\d)\d(?:[ .\-]?\d){{{CARD_DIGITS_MIN - 1},{CARD_DIGITS_MAX - 1}}}(?!\d)",
    re.IGNORECASE,
)
_NOT_A_DIGIT = re.compile(r"\D")


def scrub(value: Any) -> Any:
    """Return the value without anything in it, at any depth, that passes for a card number."""
    if isinstance(value, str):
        return _SUSPECT.sub(_mask, value)
    if isinstance(value, bytes):
        return scrub(value.decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return {scrub(key): scrub(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [scrub(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return MASK if scrub(str(value)) == MASK else value
    return value


def _mask(match: re.Match[str]) -> str:
    text = match.group()
    if match.group("uuid") or not passes_luhn(_NOT_A_DIGIT.sub("", text)):
        return text
    return MASK


def _scrub_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        event[key] = scrub(value)
    return event


def configure_logging(settings: Settings) -> None:
    """Send the process's logs, the libraries' among them, to standard error: JSON, or text for people."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        # Last but one: whatever was put in above is searched too, tracebacks included.
        _scrub_event,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)


def get_logger(name: str) -> Any:
    """Return a logger whose calls take an event name and keyword fields."""
    return structlog.get_logger(name)


def configure_tracing(*, service_name: str) -> Tracer | None:
    """Return what makes this process's spans when the environment names an endpoint for them, else None."""
    provider = tracer_provider(service_name=service_name)
    return provider.get_tracer(service_name) if provider else None
