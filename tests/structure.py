"""Draws the structure in docs/architecture.md from the imports: `python -m tests.structure --write`.

Without `--write` it fails when the page shows another structure than the code has; `make lint` asks that.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import grimp

PAGE = Path("docs/architecture.md")
BEGIN, END = "<!-- drawn by `python -m tests.structure --write` -->", "<!-- end of the drawing -->"
PACKAGES = ("psp_api", "psp_pipelines", "psp_local", "psp_core")
# The core's floors are shown, the others as one room each.
FLOORS = ("adapters", "bootstrap", "cli", "domain", "ports", "usecases")
FEATURES = ("settlement", "payables", "pricing", "access", "operations", "intake", "events", "kernel")
FEATURE_FLOORS = ("psp_core.domain", "psp_core.ports", "psp_core.usecases", "psp_core.adapters.postgres", "psp_api",
                  "psp_pipelines")  # fmt: skip


def main(arguments: list[str]) -> int:
    graph = grimp.build_graph(*PACKAGES)
    drawn = f"{BEGIN}\n{_floors(graph)}\n{_features(graph)}\n{_rooms(graph)}{END}"
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = f"{before}{drawn}{after}"
    if "--write" in arguments:
        PAGE.write_text(wanted, encoding="utf-8")
    elif text != wanted:
        print(f"{PAGE} shows another structure than the imports have: python -m tests.structure --write")
        return 1
    return 0


def _floors(graph: grimp.ImportGraph) -> str:
    """Return who imports whom, package by package and floor by floor."""
    return _drawing(_edges(graph, _floor_of))


def _features(graph: grimp.ImportGraph) -> str:
    """Return which feature needs which, inside the core's pure floors."""
    return _drawing(_edges(graph, _feature_of))


def _rooms(graph: grimp.ImportGraph) -> str:
    """Return where each feature lives, a row each: the places that a new one touches."""
    lines = [f"| feature | {' | '.join(f'`{floor}`' for floor in FEATURE_FLOORS)} |", "| --- " * 7 + "|"]
    for feature in FEATURES:
        rooms = [_size(graph, f"{floor}.{feature}") for floor in FEATURE_FLOORS]
        lines.append(f"| {feature} | {' | '.join(rooms)} |")
    return "\n".join(lines) + "\n"


def _size(graph: grimp.ImportGraph, room: str) -> str:
    if room not in graph.modules:
        return ""
    return f"{len(graph.find_descendants(room)) or 1}"


def _floor_of(module: str) -> str | None:
    package, _, rest = module.partition(".")
    floor = rest.partition(".")[0]
    if package != "psp_core":
        return package
    return f"{package}.{floor}" if floor in FLOORS else None


def _feature_of(module: str) -> str | None:
    for floor in ("psp_core.domain.", "psp_core.usecases."):
        if module.startswith(floor):
            return module.removeprefix(floor).partition(".")[0]
    return None


def _edges(graph: grimp.ImportGraph, room_of: object) -> set[tuple[str, str]]:
    assert callable(room_of)
    edges = set()
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            one, other = room_of(importer), room_of(imported)
            if one and other and one != other:
                edges.add((one, other))
    return edges


def _drawing(edges: Iterable[tuple[str, str]]) -> str:
    by_room = defaultdict(list)
    for one, other in edges:
        by_room[one].append(other)
    lines = [f"    {one} --> {' & '.join(sorted(others))}" for one, others in sorted(by_room.items())]
    return "\n".join(["", "```mermaid", "flowchart TD", *lines, "```", ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
