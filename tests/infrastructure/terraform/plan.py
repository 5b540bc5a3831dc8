"""The whole configuration for one environment: every module's variables, and every resource."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any

from tests.infrastructure.terraform.expressions import Inner, Names, evaluate
from tests.infrastructure.terraform.functions import EvaluationError
from tests.infrastructure.terraform.resources import META_ARGUMENTS, Resource, contents, instances
from tests.infrastructure.terraform.syntax import Block, Body, parse
from tests.infrastructure.terraform.types import convert

Files = Mapping[str, str]
Value = Callable[[], Any]
_SOURCES = ("*.tf", "*.tfvars", "*.yaml", "*.sh", "*.py")


def read_files(folder: Path) -> dict[str, str]:
    """Return the text of every file that the configuration may read, by its path below the folder."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for pattern in _SOURCES
        for path in sorted(folder.rglob(pattern))
    }


@dataclass(frozen=True)
class Plan:
    resources: list[Resource]
    provider: Mapping[str, Any]
    outputs: Mapping[str, Any]

    def of_kind(self, *kinds: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.kind in kinds]


def plan(files: Files, environment: str) -> Plan:
    """Return what `terraform plan -var-file=environments/ENVIRONMENT.tfvars` would make of nothing.

    Raises EvaluationError for what it would refuse, a variable's validation included.
    """
    given = _given(parse(files["terraform.tfvars"]), _NoNames()) | _given(_environment(files, environment), _NoNames())
    root = Module(files, ".", "", given, region="")
    root.region = root.get("var").attribute("region")
    [provider] = [block for block in root.blocks if block.kind == "provider"]
    return Plan(
        resources=list(root.all_resources()), provider=contents(provider.body, root), outputs=dict(root.all_outputs())
    )


def values_of(files: Files, environment: str) -> dict[str, Any]:
    """Return what the environment's file says."""
    return contents(_environment(files, environment), _NoNames())


def _environment(files: Files, name: str) -> Body:
    return parse(files[f"environments/{name}.tfvars"])


class _NoNames:
    def get(self, name: str) -> Any:
        raise EvaluationError(f"a value, not a reference: {name}")

    def file(self, path: str) -> str:
        raise EvaluationError(f"a value, not a file: {path}")


def _given(body: Body, names: Names) -> dict[str, Value]:
    return {
        name: partial(evaluate, value, names) for name, value in body.arguments.items() if name not in META_ARGUMENTS
    }


@dataclass(frozen=True)
class Lookup:
    """Something with a value for each name, which is asked only for those that are needed."""

    find: Callable[[str], Any]

    def attribute(self, name: str) -> Any:
        return self.find(name)


class Module:
    """One call of a module: its variables have the call's values."""

    def __init__(self, files: Files, folder: str, address: str, given: Mapping[str, Value], *, region: str) -> None:
        self.files, self.folder, self.address, self.given, self.region = files, folder, address, given, region
        self._known: dict[tuple[str, ...], Any] = {}

    @cached_property
    def blocks(self) -> list[Block]:
        own = [path for path in self.files if path.endswith(".tf") and str(PurePosixPath(path).parent) == self.folder]
        return [block for path in sorted(own) for block in parse(self.files[path]).blocks]

    def get(self, name: str) -> Any:
        if name == "path":
            return {"root": ".", "module": self.folder}
        find = {"var": self._variable, "local": self._local, "module": self._module, "data": self._data}.get(name)
        return Lookup(find or (lambda second: self._resource("resource", name, second)))

    def file(self, path: str) -> str:
        return self.files[str(PurePosixPath(path))]

    def attribute(self, name: str) -> Any:
        """Return an output."""
        return self._once(lambda: evaluate(self._block("output", name).body.arguments["value"], self), "output", name)

    def all_outputs(self) -> Iterator[tuple[str, Any]]:
        return ((block.labels[0], self.attribute(block.labels[0])) for block in self.blocks if block.kind == "output")

    def all_resources(self) -> Iterator[Resource]:
        """Every resource of this module and those below, after a look at the variables."""
        self._check_variables()
        for block in self.blocks:
            if block.kind in ("resource", "data"):
                yield from _each(self._resource(block.kind, *block.labels))
            if block.kind == "module":
                for module in _each(self._module(block.labels[0])):
                    yield from module.all_resources()

    def _check_variables(self) -> None:
        variables = {block.labels[0]: block for block in self.blocks if block.kind == "variable"}
        if unknown := self.given.keys() - variables.keys():
            raise EvaluationError(f"{self.address or 'the root module'} has no variables {sorted(unknown)}")
        for name, block in variables.items():
            self._variable(name)
            for validation in block.body.of_kind("validation"):
                if evaluate(validation.body.arguments["condition"], self) is not True:
                    message = evaluate(validation.body.arguments["error_message"], self)
                    raise EvaluationError(f"{self.address}.{name}: {message}".lstrip("."))

    def _variable(self, name: str) -> Any:
        return self._once(lambda: self._value(self._block("variable", name).body, name), "variable", name)

    def _value(self, declared: Body, name: str) -> Any:
        given = self.given[name]() if name in self.given else None
        never_null = "nullable" in declared.arguments and evaluate(declared.arguments["nullable"], self) is False
        if name not in self.given or (given is None and never_null):
            if "default" not in declared.arguments:
                raise EvaluationError(f"{self.address}: {name} has no value")
            given = evaluate(declared.arguments["default"], self)
        return convert(given, declared.arguments["type"], self)

    def _local(self, name: str) -> Any:
        def value() -> Any:
            for block in self.blocks:
                if block.kind == "locals" and name in block.body.arguments:
                    return evaluate(block.body.arguments[name], self)
            raise EvaluationError(f"{self.address}: no local value {name}")

        return self._once(value, "local", name)

    def _data(self, kind: str) -> Lookup:
        return Lookup(lambda name: self._resource("data", kind, name))

    def _resource(self, section: str, kind: str, name: str) -> Any:
        prefix = f"{self.address}." if self.address else ""
        address = f"{prefix}{'data.' if section == 'data' else ''}{kind}.{name}"
        return self._once(
            lambda: instances(address, self._block(section, kind, name), self, self.region), section, kind, name
        )

    def _module(self, name: str) -> Any:
        return self._once(lambda: self._called(self._block("module", name), name), "module", name)

    def _called(self, block: Block, name: str) -> Any:
        folder = str(PurePosixPath(self.folder, evaluate(block.body.arguments["source"], self)))
        address = f"{self.address}.module.{name}".lstrip(".")
        if "count" not in block.body.arguments:
            return self._inner(block, folder, address, self)
        count = evaluate(block.body.arguments["count"], self)
        return [
            self._inner(block, folder, f"{address}[{index}]", Inner(self, {"count": {"index": index}}))
            for index in range(count)
        ]

    def _inner(self, block: Block, folder: str, address: str, names: Names) -> Module:
        return Module(self.files, folder, address, _given(block.body, names), region=self.region)

    def _block(self, kind: str, *labels: str) -> Block:
        for block in self.blocks:
            if block.kind == kind and tuple(block.labels) == labels:
                return block
        raise EvaluationError(f"{self.address or 'the root module'} has no {kind} {'.'.join(labels)}")

    def _once(self, value: Callable[[], Any], *key: str) -> Any:
        if key not in self._known:
            self._known[key] = value()
        return self._known[key]


def _each(found: Any) -> Iterator[Any]:
    if isinstance(found, Mapping):
        return iter(found.values())
    return iter(found if isinstance(found, list) else [found])
