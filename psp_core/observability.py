"""Logs and traces: one JSON object a line, and never any card data."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

import structlog

from psp_core.adapters.tracing import tracer_provider
from psp_core.domain.intake.cards import without_card_data
from psp_core.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

MASK = "[card number removed]"


def scrub(value: Any) -> Any:
    """Return the value without the card data in it, at any depth."""
    if isinstance(value, str):
        return without_card_data(value, MASK)
    if isinstance(value, bytes):
        return scrub(value.decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return {scrub(key): scrub(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [scrub(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value if scrub(str(value)) == str(value) else MASK
    return value


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
