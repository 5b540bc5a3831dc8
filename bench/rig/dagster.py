"""What the bench asks of Dagster's webserver."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from psp_local import LocalStackError
from psp_local.ports import LOOPBACK

_TIMEOUT_S = 120


def ask(web_port: int, query: str, **variables: Any) -> Any:
    """Send a query to the webserver, as its pages do. Raises `LocalStackError` when it is refused."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(
        f"http://{LOOPBACK}:{web_port}/graphql", data=body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
        found = json.load(answer)
    if "errors" in found:
        raise LocalStackError(f"Dagster refused a query: {found['errors'][0]['message']}")
    return found["data"]
