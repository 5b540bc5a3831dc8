"""Who pressed: Dagster knows no users, but the proxy or load balancer in front of it has asked for a login."""

from __future__ import annotations

import base64
import binascii
import json
import os

ACTOR_TAG = "psp/actor"
HEADER_SETTING = "PSP_ACTOR_HEADER"
"""Names the header in which that login arrives. Whoever sets it vouches that nobody else can reach the webserver."""

ACTOR_LENGTH_MAX = 200
_NAMES = ("email", "preferred_username", "sub")
_JWT_PARTS = 3


def actor_header() -> str | None:
    """Return the name of the trusted header; None where nobody logs in."""
    return os.environ.get(HEADER_SETTING) or None


def actor_in(value: str | None) -> str | None:
    """Return the user whom the header's value names: as it is, or the e-mail or subject of a JSON Web Token.

    The token's signature is not checked here: it comes from the load balancer, over a connection that only the load
    balancer can open.
    """
    if not value:
        return None
    parts = value.split(".")
    claims = _claims(parts[1]) if len(parts) == _JWT_PARTS else {}
    named = [claims[name] for name in _NAMES if claims.get(name)]
    return [*named, value][0][:ACTOR_LENGTH_MAX]


def _claims(part: str) -> dict[str, str]:
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        # A name with two dots in it.
        return {}
    return {name: value for name, value in claims.items() if isinstance(value, str)} if isinstance(claims, dict) else {}
