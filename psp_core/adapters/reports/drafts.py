"""A report in the making: files in a folder of its own until each is complete and put on the shelf."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from psp_core.adapters.reports.names import safe_name
from psp_core.adapters.reports.shelves import Shelf
from psp_core.adapters.reports.writers import ReportWriter
from psp_core.domain.settlement.report import ReportFile, ReportLine
from psp_core.scratch import scratch_folder


@dataclass(frozen=True, slots=True)
class ReportDrafts:
    shelf: Shelf
    zone: ZoneInfo

    @contextmanager
    def begin(self) -> Iterator[ReportDraft]:
        with scratch_folder("report") as drafts:
            yield ReportDraft(drafts, self.shelf, self.zone)

    def read(self, name: str) -> bytes | None:
        return self.shelf.read(name)

    def find(self, name: str, *, folder: str) -> str | None:
        return self.shelf.find(f"{folder}/{safe_name(name)}.csv")

    def copy(self, name: str, *, to: str) -> None:
        self.shelf.copy(name, to=to)


@dataclass(frozen=True, slots=True)
class ReportDraft:
    _drafts: Path
    _shelf: Shelf
    _zone: ZoneInfo
    _writers: dict[str, ReportWriter] = field(default_factory=dict)

    def write(self, name: str, lines: Sequence[ReportLine]) -> None:
        if name not in self._writers:
            self._writers[name] = ReportWriter(self._drafts / safe_name(name), zone=self._zone)
        self._writers[name].write(lines)

    def close(self, name: str) -> None:
        self._writers[name].close()

    def publish(self, *, folder: str) -> list[ReportFile]:
        paths = [path for writer in self._writers.values() for path in writer.paths]
        return [self._put(path, name=str(path.relative_to(self._drafts)), folder=folder) for path in paths]

    def publish_facts(self, name: str, facts: Mapping[str, Any], *, folder: str) -> ReportFile:
        path = self._drafts / f"{name}.json"
        path.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        return self._put(path, name=path.name, folder=folder)

    def _put(self, path: Path, *, name: str, folder: str) -> ReportFile:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size_bytes = path.stat().st_size
        url = self._shelf.put(path, name=f"{folder}/{name}")
        path.unlink()
        return ReportFile(name, url, digest, size_bytes)
