"""YAML with the line of everything in it, so that a refusal can say where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

Path: TypeAlias = tuple[str | int, ...]


class YamlRefused(ValueError):
    """The text is no YAML, or has in it what is not taken; `line` counts from 1."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line


@dataclass(frozen=True, slots=True)
class Located:
    """A document of mappings, lists and texts: every scalar is text, so that 22:00 is no number, and 0123 is not 83."""

    data: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """Return the line of what is at the path, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(text: str) -> Located:
    """Return the document. Raises YamlRefused."""
    try:
        # An alias may stand for itself, and a few lines of them for more than fits in memory.
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            if isinstance(event, yaml.AliasEvent):
                raise YamlRefused(event.start_mark.line + 1, "an alias (*name) is not taken here: write it out")
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlRefused(line, str(error.problem or error.context or "this is no YAML")) from None
    except yaml.YAMLError as error:
        raise YamlRefused(1, str(error).splitlines()[0]) from None
    lines: dict[Path, int] = {(): 1}
    return Located(None if node is None else _value(node, (), lines), lines)


def _value(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return {key: _value(value, (*path, key), lines) for key, value in _items(node, path, lines)}
    if isinstance(node, yaml.SequenceNode):
        return [_value(value, (*path, index), lines) for index, value in enumerate(node.value)]
    # Nothing at all is what was left out; a quoted nothing is an empty text.
    return None if node.value in ("", "null", "~") and node.style is None else node.value


def _items(node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> Iterator[tuple[str, yaml.Node]]:
    seen = set()
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise YamlRefused(line, "a key is a text")
        if key.value in seen:
            raise YamlRefused(line, f"{key.value!r} is here twice")
        seen.add(key.value)
        lines[(*path, key.value)] = line
        yield key.value, value
