"""A report as bytes that are sent as they are made: nothing of it is kept but its end."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from psp_core.adapters.reports.columns import values_of
from psp_core.adapters.reports.formats import rows_in
from psp_core.domain.settlement.report import ReportFormat, ReportLine


class _Taken(io.RawIOBase):
    """A file whose bytes are taken out as soon as they are written."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


class Encoder:
    def __init__(self, format: ReportFormat, *, zone: ZoneInfo) -> None:
        self._file = _Taken()
        self._rows = rows_in(format, self._file)  # type: ignore[arg-type]  # a raw file is none of bytes, to typeshed
        self._zone = zone

    def write(self, lines: Sequence[ReportLine]) -> bytes:
        rows = [values_of(line, zone=self._zone) for line in lines]
        if rows:
            self._rows.write(rows)
        return self._file.take()

    def end(self) -> bytes:
        self._rows.close()
        return self._file.take()


@dataclass(frozen=True, slots=True)
class Encoders:
    zone: ZoneInfo

    def begin(self, format: ReportFormat) -> Encoder:
        return Encoder(format, zone=self.zone)
