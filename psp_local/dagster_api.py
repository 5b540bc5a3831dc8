"""What the stack, the bench and the tests ask of Dagster, over its web interface's GraphQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psp_local import LocalStackError
from psp_local.ports import LOOPBACK

if TYPE_CHECKING:
    import httpx

_TIMEOUT_S = 120
_READY_TIMEOUT_S = 10
_DAEMONS = "{ instance { daemonHealth { allDaemonStatuses { required healthy lastHeartbeatTime } } } }"
_LOCATIONS = """{ workspaceOrError {
  ... on PythonError { message }
  ... on Workspace { locationEntries { loadStatus locationOrLoadError { ... on PythonError { message } } } }
} }"""
_DRAINS = """query($filter: RunsFilter!) {
  runsOrError(filter: $filter, limit: 1) { ... on Runs { results { runId } } }
}"""


def ask(url: str, query: str, *, timeout_s: float = _TIMEOUT_S, **variables: Any) -> Any:
    """Send a query to the webserver at `url`, which asks for no login, as its pages do.

    Raises `LocalStackError` when it is refused, `httpx.HTTPError` when there is no answer.
    """
    import httpx

    # On this machine; there is no TLS, and reading all certificates takes longer than the answer.
    with httpx.Client(base_url=url, timeout=timeout_s, trust_env=False, verify=False) as client:  # noqa: S501
        return ask_by(client, query, **variables)


def ask_by(client: httpx.Client, query: str, **variables: Any) -> Any:
    """Send a query with the client's login to the webserver that it leads to; raises what `ask` does."""
    answer = client.post("/graphql", json={"query": query, "variables": variables})
    found = answer.raise_for_status().json()
    if found.get("errors"):
        raise LocalStackError(f"Dagster refused a query: {found['errors'][0]['message']}")
    return found["data"]


def daemons_beat_since(instant_s: float, *, web_port: int) -> bool:
    """Tell whether all required Dagster daemons are well and gave a sign of life after the Unix time `instant_s`."""
    data = _heard(web_port, _DAEMONS)
    daemons = data["instance"]["daemonHealth"]["allDaemonStatuses"] if data else []
    required = [one for one in daemons if one["required"]]
    return bool(required) and all(one["healthy"] and (one["lastHeartbeatTime"] or 0) >= instant_s for one in required)


def code_is_loaded(*, web_port: int) -> bool:
    """Tell whether the webserver has heard from the code server, well or not."""
    entries = _location_entries(web_port)
    return bool(entries) and all(entry["loadStatus"] == "LOADED" for entry in entries)


def code_errors(*, web_port: int) -> list[str]:
    """Return the first line of what went wrong when the code server imported the pipelines."""
    found = [(entry["locationOrLoadError"] or {}).get("message") for entry in _location_entries(web_port)]
    return [message.strip().splitlines()[0] for message in found if message]


def a_drain_runs(*, web_port: int, since_s: float) -> bool:
    """Tell whether a run that gave a sign of life after the Unix time `since_s` consumes the queue by now."""
    criteria = {"statuses": ["STARTED"], "updatedAfter": since_s, "tags": [{"key": "psp/kind", "value": "drain"}]}
    data = _heard(web_port, _DRAINS, filter=criteria)
    return bool(data and data["runsOrError"].get("results"))


def _location_entries(web_port: int) -> list[dict[str, Any]]:
    data = _heard(web_port, _LOCATIONS)
    return data["workspaceOrError"].get("locationEntries", []) if data else []


def _heard(web_port: int, query: str, **variables: Any) -> Any:
    """Return the answer of a webserver that may not be up yet; None when there is none."""
    import httpx

    try:
        return ask(f"http://{LOOPBACK}:{web_port}", query, timeout_s=_READY_TIMEOUT_S, **variables)
    except (httpx.HTTPError, LocalStackError, ValueError):
        return None
