"""One report file in two formats: CSV for people and their spreadsheets, Parquet for machines."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from psp_core.adapters.reports.cells import cell
from psp_core.adapters.reports.columns import SCHEMA, values_of
from psp_core.domain.settlement.report import ReportLine


class ReportWriter:
    """Writes lines to `STEM.csv` and `STEM.parquet`; they are whole once it is closed."""

    def __init__(self, stem: Path, *, zone: ZoneInfo) -> None:
        stem.parent.mkdir(parents=True, exist_ok=True)
        self.paths = (stem.with_name(f"{stem.name}.csv"), stem.with_name(f"{stem.name}.parquet"))
        self._zone = zone
        # With the mark at its beginning, Excel takes the file as UTF-8.
        self._csv_file = self.paths[0].open("w", encoding="utf-8-sig", newline="")
        # Every text in quotes: a semicolon or a line's end in one is no separator.
        self._csv = csv.writer(self._csv_file, quoting=csv.QUOTE_NONNUMERIC)
        self._csv.writerow(SCHEMA.names)
        self._parquet = pq.ParquetWriter(self.paths[1], SCHEMA, compression="zstd")

    def write(self, lines: Sequence[ReportLine]) -> None:
        rows = [values_of(line, zone=self._zone) for line in lines]
        if rows:
            self._csv.writerows([cell(value) for value in row] for row in rows)
            columns = [
                pa.array(values, type=field.type) for values, field in zip(zip(*rows, strict=True), SCHEMA, strict=True)
            ]
            self._parquet.write_table(pa.Table.from_arrays(columns, schema=SCHEMA))

    def close(self) -> None:
        self._csv_file.close()
        self._parquet.close()
