"""What the stack asks of Dagster, over its web interface's GraphQL."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from psp_local.ports import LOOPBACK

_TIMEOUT_S = 10
_RUNS_MAX = 500
_DAEMONS = "{ instance { daemonHealth { allDaemonStatuses { required healthy lastHeartbeatTime } } } }"
_LOCATIONS = """{ workspaceOrError {
  ... on PythonError { message }
  ... on Workspace { locationEntries { loadStatus locationOrLoadError { ... on PythonError { message } } } }
} }"""
_RUNS = """query($filter: RunsFilter!, $limit: Int) {
  runsOrError(filter: $filter, limit: $limit) { ... on Runs { results { runId } } }
}"""


def daemons_beat_since(instant_s: float, *, web_port: int) -> bool:
    """Tell whether all required Dagster daemons are well and gave a sign of life after the Unix time `instant_s`."""
    data = _graphql(_DAEMONS, port=web_port)
    if data is None:
        return False
    required = [one for one in data["instance"]["daemonHealth"]["allDaemonStatuses"] if one["required"]]
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
    return bool(_run_ids(criteria, web_port=web_port))


def _run_ids(criteria: Mapping[str, Any], *, web_port: int) -> list[str] | None:
    found = _graphql(_RUNS, port=web_port, variables={"filter": criteria, "limit": _RUNS_MAX})
    return None if found is None else [run["runId"] for run in found["runsOrError"].get("results", [])]


def _location_entries(web_port: int) -> list[dict[str, Any]]:
    data = _graphql(_LOCATIONS, port=web_port)
    entries: list[dict[str, Any]] = [] if data is None else data["workspaceOrError"].get("locationEntries", [])
    return entries


def _graphql(query: str, *, port: int, variables: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any] | None:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_TIMEOUT_S)
    try:
        body = json.dumps({"query": query, "variables": dict(variables)})
        connection.request("POST", "/graphql", body=body, headers={"Content-Type": "application/json"})
        data: dict[str, Any] | None = json.loads(connection.getresponse().read()).get("data")
        return data
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
