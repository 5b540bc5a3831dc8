"""One report file in both formats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from psp_core.adapters.reports.columns import values_of
from psp_core.adapters.reports.formats import rows_in
from psp_core.domain.settlement.report import ReportFormat, ReportLine


class ReportWriter:
    """Writes lines to `STEM.csv` and `STEM.parquet`; they are whole once it is closed."""

    def __init__(self, stem: Path, *, zone: ZoneInfo) -> None:
        stem.parent.mkdir(parents=True, exist_ok=True)
        self.paths = [stem.with_name(f"{stem.name}.{format}") for format in ReportFormat]
        self._zone = zone
        self._files = [path.open("wb") for path in self.paths]
        self._formats = [rows_in(format, file) for format, file in zip(ReportFormat, self._files, strict=True)]

    def write(self, lines: Sequence[ReportLine]) -> None:
        rows = [values_of(line, zone=self._zone) for line in lines]
        if rows:
            for format in self._formats:
                format.write(rows)

    def close(self) -> None:
        for format, file in zip(self._formats, self._files, strict=True):
            format.close()
            file.close()
