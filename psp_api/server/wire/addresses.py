"""Where a merchant finds the API: the address for links, which must lead back to whom the merchant has asked."""

from __future__ import annotations

from falcon.asgi import Request

from psp_core.settings import Settings

_SCHEMES = ("https", "http")


def public_address(req: Request, settings: Settings) -> str:
    """Return the absolute URL of the request's path, as the caller can reach it, without its query.

    Under the configured address, or at the host that the request itself names: the edge has checked that it is one.
    What a header says of another host is never believed.
    """
    if settings.api_public_url is not None:
        return f"{settings.api_public_url.rstrip('/')}{req.path}"
    host = req.get_header("Host") or _own_address(req)
    return f"{_scheme(req, trusted_proxies=settings.api_trusted_proxies)}://{host}{req.path}"


def _scheme(req: Request, *, trusted_proxies: int) -> str:
    """Return how the caller has come: a proxy that ends TLS tells it."""
    if trusted_proxies:
        told = [scheme.strip().lower() for scheme in (req.get_header("X-Forwarded-Proto") or "").split(",")]
        # A proxy adds its own, or replaces what came before.
        scheme = told[-min(trusted_proxies, len(told))]
        if scheme in _SCHEMES:
            return scheme
    return "http"


def _own_address(req: Request) -> str:
    # HTTP/1.0 needs no Host.
    address = req.scope["server"]
    if not isinstance(address, tuple):
        # A Unix socket.
        return "localhost"
    name, port = address[:2]
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
