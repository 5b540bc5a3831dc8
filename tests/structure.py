"""Draws the structure in docs/architecture.md from the imports: `python -m tests.structure --write`.

Without `--write` it fails when the page shows another structure than the code has; `make lint` asks that.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import grimp

PAGE = Path(__file__).parents[1] / "docs" / "architecture.md"
BEGIN, END = "<!-- drawn by `python -m tests.structure --write` -->", "<!-- end of the drawing -->"
PACKAGES = ("psp_api", "psp_pipelines", "psp_local", "psp_core")
PURE_FLOORS = ("psp_core.domain", "psp_core.usecases")
"""Where import-linter holds the order of the features."""

FEATURE_FLOORS = (
    "psp_core.domain",
    "psp_core.ports",
    "psp_core.usecases",
    "psp_core.adapters.postgres",
    "psp_core.bootstrap",
    "psp_api",
    "psp_pipelines",
)
FEATURES = (
    "intake",
    "events",
    "payables",
    "pricing",
    "ledger",
    "settlement",
    "refunds",
    "access",
    "desk",
    "operations",
    "kernel",
)

Edges = dict[str, set[str]]


def main(arguments: list[str]) -> int:
    text = PAGE.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        print(f"{PAGE.name} has no place for the drawing, from {BEGIN} to {END}")
        return 1
    wanted = f"{before}{BEGIN}\n{drawing(grimp.build_graph(*PACKAGES))}\n{END}{after}"
    if "--write" in arguments:
        PAGE.write_text(wanted, encoding="utf-8")
    elif text != wanted:
        print(f"{PAGE.name} shows another structure than the imports have: python -m tests.structure --write")
        return 1
    return 0


def drawing(graph: grimp.ImportGraph) -> str:
    """Return who imports whom, floor by floor and feature by feature, and where each feature lives."""
    return "\n".join(
        [
            "Who imports whom, floor by floor:",
            _flowchart(_edges(graph, _floor_of)),
            "Which feature needs which, in `domain` and `usecases`:",
            _flowchart(_edges(graph, _feature_of)),
            "Where each feature lives, floor by floor:",
            "",
            _rooms(graph),
        ]
    )


def _edges(graph: grimp.ImportGraph, room_of: Callable[[str], str | None]) -> Edges:
    """Return the rooms that each room imports from; a module without a room is left out."""
    edges: Edges = defaultdict(set)
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            one, other = room_of(importer), room_of(imported)
            if one and other and one != other:
                edges[one].add(other)
    return edges


def _floor_of(module: str) -> str | None:
    """Return the core's floor, or the package itself for another one."""
    package, _, rest = module.partition(".")
    if package != "psp_core":
        return package
    floor = rest.partition(".")[0]
    return f"{package}.{floor}" if floor else None


def _feature_of(module: str) -> str | None:
    for floor in PURE_FLOORS:
        if module.startswith(f"{floor}."):
            return module.removeprefix(f"{floor}.").partition(".")[0]
    return None


def _flowchart(edges: Edges) -> str:
    lines = [f"    {one} --> {' & '.join(sorted(others))}" for one, others in sorted(edges.items())]
    return "\n".join(["", "```mermaid", "flowchart TD", *lines, "```", ""])


def _rooms(graph: grimp.ImportGraph) -> str:
    names = [floor.removeprefix("psp_core.") for floor in FEATURE_FLOORS]
    lines = [f"| feature | {' | '.join(f'`{name}`' for name in names)} |", "| --- " * (len(names) + 1) + "|"]
    for feature in FEATURES:
        rooms = [_room(graph, f"{floor}.{feature}") for floor in FEATURE_FLOORS]
        lines.append(f"| {feature} | {' | '.join(rooms)} |")
    return "\n".join(lines)


def _room(graph: grimp.ImportGraph, module: str) -> str:
    """Return the folder's or the file's name, or nothing where the feature has no room."""
    if module not in graph.modules:
        return ""
    name = module.rpartition(".")[2]
    return f"{name}/" if graph.find_children(module) else f"{name}.py"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
