"""What is private to a library stands on one page, with the place where it is used and the test that holds it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "decisions" / "021-private-names.md"
OURS = frozenset({"psp_core", "psp_api", "psp_pipelines", "psp_local", "tests", "bench", "deploy"})


def listed() -> dict[tuple[str, str], str]:
    """Return the page's table: the test that holds it, by the name and the file in which it stands."""
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in PAGE.read_text().splitlines()]
    return {(row[0], row[1]): row[-1] for row in rows if row and "." in row[0]}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def imported_from(file: Path) -> Iterator[str]:
    """Yield the private names of libraries that a file imports, or writes as a text."""
    for node in ast.walk(ast.parse(file.read_text())):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.count(".") > 0:
            names = [node.value] if all(part.isidentifier() for part in node.value.split(".")) else []
        for name in names:
            parts = name.split(".")
            if parts[0] not in OURS and any(is_private(part) for part in parts[1:]):
                yield name


class TestAPrivateNameOfALibrary:
    def test_stands_on_the_page_and_only_where_the_page_says(self) -> None:
        tracked = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
        used = {(name, file) for file in tracked.stdout.split() for name in imported_from(ROOT / file)}

        assert used == set(listed())

    @pytest.mark.parametrize("name", sorted({name for name, _ in listed()}))
    def test_is_still_there(self, name: str) -> None:
        module, _, attribute = name.rpartition(".")

        assert hasattr(import_module(module), attribute) or import_module(name) is sys.modules[name]

    @pytest.mark.parametrize("test", sorted(set(listed().values())))
    def test_is_held_by_a_test(self, test: str) -> None:
        assert (ROOT / test).is_file()
