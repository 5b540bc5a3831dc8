"""Ways to break the configuration, as mutations.yaml lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.infrastructure.terraform.plan import Files


@dataclass(frozen=True)
class Mutation:
    file: str
    old: str
    new: str
    table: str
    """The title of the table with the row that is broken then, or REFUSED."""

    broken: str
    """A part of that row, or of the refusal."""

    def __str__(self) -> str:
        return f"{self.old.strip()} → {self.new.strip()}".replace("\n", " ")[:90]

    def applied_to(self, files: Files) -> Mapping[str, str]:
        """Return the broken files; a mutation that no longer fits is an error of the test."""
        text = files[self.file]
        assert self.old in text, f"{self.file} has no {self.old!r}"
        return {**files, self.file: text.replace(self.old, self.new, 1)}


def all_mutations() -> list[Mutation]:
    listed = yaml.safe_load((Path(__file__).parent / "mutations.yaml").read_text())
    return [Mutation(file, *parts) for file, mutations in listed.items() for parts in mutations]
