"""Terraform's configuration as data: what `python-hcl2` reads, without Terraform and without an account."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import hcl2

ROOT_MODULE = "."
_VARIABLE = re.compile(r"\$\{var\.(\w+)\}")

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Block:
    """A resource, data source, module call or variable: `module` is the folder that it is written in."""

    module: str
    kind: str
    name: str
    body: Body

    def __str__(self) -> str:
        return f"{self.module}: {self.kind}.{self.name}"

    def nested(self, *path: str) -> list[Body]:
        """Return the nested blocks at `path`, for example `("network_configuration",)`."""
        bodies: list[Body] = [self.body]
        for step in path:
            bodies = [inner for body in bodies for inner in _as_list(body.get(step))]
        return bodies


@dataclass(frozen=True)
class Configuration:
    """The root module in `folder`, its modules, and the values that one environment gives it."""

    folder: Path
    environment: str

    @cached_property
    def files(self) -> dict[str, Body]:
        """Every .tf file, by its path below the root module."""
        return {str(path.relative_to(self.folder)): _read(path) for path in sorted(self.folder.rglob("*.tf"))}

    @cached_property
    def values(self) -> Body:
        """What the environment's file sets."""
        return _read(self.folder / "environments" / f"{self.environment}.tfvars")

    def resources(self, kind: str) -> list[Block]:
        return [block for block in self._blocks("resource") if block.kind == kind]

    def data(self, kind: str) -> list[Block]:
        return [block for block in self._blocks("data") if block.kind == kind]

    def variables(self) -> list[Block]:
        return list(self._labelled("variable"))

    def module_calls(self) -> list[Block]:
        return list(self._labelled("module"))

    def local(self, name: str, *, module: str = ROOT_MODULE) -> Any:
        """Return the local value `name` of that module, as it is written."""
        for path, content in self.files.items():
            for block in content.get("locals", []) if _module_of(path) == module else []:
                if name in block:
                    return block[name]
        return None

    def resolve(self, value: Any, *, module: str) -> Any:
        """Follow `var.x` through module calls to the environment's file or to the default; anything else as it is."""
        match = _VARIABLE.fullmatch(value) if isinstance(value, str) else None
        if not match:
            return value
        name = match[1]
        if module == ROOT_MODULE:
            return self.values[name] if name in self.values else self._default(name, module)
        for call in self.module_calls():
            if call.body.get("source") == f"./{module}" and name in call.body:
                return self.resolve(call.body[name], module=ROOT_MODULE)
        return self._default(name, module)

    def _default(self, name: str, module: str) -> Any:
        for variable in self.variables():
            if (variable.module, variable.name) == (module, name):
                return variable.body.get("default")
        return None

    def _blocks(self, section: str) -> Iterator[Block]:
        for path, content in self.files.items():
            for entry in content.get(section, []):
                for kind, named in entry.items():
                    for name, body in named.items() if isinstance(named, dict) else []:
                        yield Block(_module_of(path), kind, name, body)

    def _labelled(self, section: str) -> Iterator[Block]:
        for path, content in self.files.items():
            for entry in content.get(section, []):
                for name, body in entry.items():
                    if isinstance(body, dict):
                        yield Block(_module_of(path), section, name, body)


def _module_of(path: str) -> str:
    return str(Path(path).parent)


def _read(path: Path) -> Body:
    return _parse(path.read_text())


@cache
def _parse(text: str) -> Body:
    """Each text once: hcl2 takes seconds for all files, and a broken copy differs from the original in one."""
    body: Body = _plain(hcl2.loads(text))
    return body


def _plain(value: Any) -> Any:
    """Take the quotes off strings, which hcl2 keeps, and the marks it leaves on blocks."""
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items() if not str(key).startswith("__")}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str) and len(value) >= 2 and value[0] == value[-1] == '"':
        return json.loads(value) if "${" not in value else value[1:-1]
    return value


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
