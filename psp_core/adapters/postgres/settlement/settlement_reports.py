"""Which edition of each date's report counts. A newer one is never replaced by an older one, whoever comes last."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from psp_core.domain.settlement.report import PublishedReport, ReportFile

_PUBLISHED = "SELECT version, format, folder, files FROM settlement_reports WHERE due_on = %s"

# A loose index scan over the dates, one probe each; ids are in the order of time, so that what is young is a range.
_UNREPORTED_DATES = """
WITH RECURSIVE dates AS (
    (SELECT due_on FROM settlements ORDER BY due_on LIMIT 1)
    UNION ALL
    SELECT (SELECT due_on FROM settlements WHERE due_on > dates.due_on ORDER BY due_on LIMIT 1)
    FROM dates WHERE dates.due_on IS NOT NULL
), grown AS (
    SELECT DISTINCT due_on FROM settlements JOIN settlement_reports USING (due_on)
    WHERE id >= (SELECT uuid7_at(%(settled_since)s)) AND (closed_at IS NULL OR closed_at > published_at)
), unreported AS (
    SELECT due_on FROM dates
    WHERE due_on IS NOT NULL AND NOT EXISTS (SELECT FROM settlement_reports WHERE due_on = dates.due_on)
    UNION SELECT due_on FROM grown
)
SELECT due_on FROM unreported
WHERE %(with_open)s
   OR NOT EXISTS (SELECT FROM settlements WHERE due_on = unreported.due_on AND status = 'open')
ORDER BY due_on
"""

_PUBLISH = """
INSERT INTO settlement_reports AS published (due_on, version, format, folder, files, published_at)
VALUES (%(due_on)s, %(version)s, %(format)s, %(folder)s, %(files)s::jsonb, %(now)s)
ON CONFLICT (due_on) DO UPDATE SET
    version = excluded.version, format = excluded.format, folder = excluded.folder, files = excluded.files,
    published_at = excluded.published_at
WHERE (published.version, published.format) < (excluded.version, excluded.format)
   OR published.folder = %(lost)s AND (published.version, published.format) = (excluded.version, excluded.format)
RETURNING TRUE
"""


@dataclass(frozen=True, slots=True)
class PostgresSettlementReports:
    connection: Connection

    def published(self, due_on: date) -> PublishedReport | None:
        row = self.connection.exec_driver_sql(_PUBLISHED, (due_on,)).one_or_none()
        if row is None:
            return None
        return PublishedReport(due_on, row.version, row.format, row.folder, [ReportFile(**file) for file in row.files])

    def unreported_dates(self, *, settled_since: datetime, with_open: bool) -> list[date]:
        values = {"settled_since": settled_since, "with_open": with_open}
        return list(self.connection.exec_driver_sql(_UNREPORTED_DATES, values).scalars())

    def publish(self, report: PublishedReport, *, lost: str | None, now: datetime) -> bool:
        values = {
            "due_on": report.due_on,
            "version": report.version,
            "format": report.format,
            "folder": report.edition,
            "files": json.dumps([asdict(file) for file in report.files]),
            "lost": lost,
            "now": now,
        }
        return self.connection.exec_driver_sql(_PUBLISH, values).scalar_one_or_none() is not None
