"""A report's two formats, each written to any file of bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from psp_core.adapters.reports.cells import cell
from psp_core.adapters.reports.columns import SCHEMA
from psp_core.domain.settlement.report import ReportFormat

Row = tuple[Any, ...]


class Rows(Protocol):
    def write(self, rows: Sequence[Row]) -> None: ...

    def close(self) -> None:
        """End the report; its file stays open."""
        ...


class CsvRows:
    """CSV that a spreadsheet opens."""

    def __init__(self, file: IO[bytes]) -> None:
        # With the mark at its beginning, Excel takes the file as UTF-8.
        self._text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        # Every text in quotes: a semicolon or a line's end in one is no separator.
        self._csv = csv.writer(self._text, quoting=csv.QUOTE_NONNUMERIC)
        self._csv.writerow(SCHEMA.names)

    def write(self, rows: Sequence[Row]) -> None:
        self._csv.writerows([cell(value) for value in row] for row in rows)
        self._text.flush()

    def close(self) -> None:
        self._text.detach()


class ParquetRows:
    def __init__(self, file: IO[bytes]) -> None:
        self._parquet = pq.ParquetWriter(file, SCHEMA, compression="zstd")

    def write(self, rows: Sequence[Row]) -> None:
        columns = [
            pa.array(values, type=field.type) for values, field in zip(zip(*rows, strict=True), SCHEMA, strict=True)
        ]
        self._parquet.write_table(pa.Table.from_arrays(columns, schema=SCHEMA))

    def close(self) -> None:
        self._parquet.close()


def rows_in(format: ReportFormat, file: IO[bytes]) -> Rows:
    """Return what writes the format to the file."""
    return CsvRows(file) if format is ReportFormat.CSV else ParquetRows(file)
