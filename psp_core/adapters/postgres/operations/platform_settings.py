"""What is decided once for a database: a row a setting, written at the first start."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from psp_core.domain.kernel.errors import TimeZoneChanged

_TIME_ZONE = "time_zone"

# A database without transactions has no due dates: there the zone may still be changed.
_KEEP = """
INSERT INTO platform_settings (name, value, set_at) VALUES (%(name)s, %(value)s, now())
ON CONFLICT (name) DO UPDATE SET value = excluded.value, set_at = excluded.set_at
WHERE NOT EXISTS (SELECT FROM transactions)
"""

# For a database that is older than its setting. The newest rows are enough: a zone is wrong for most hours of a day
# or for none, and a due date is never changed.
_OTHER_DAYS = """
SELECT EXISTS (
    SELECT FROM (SELECT payment_at, due_on FROM payables ORDER BY id DESC LIMIT 10000) AS newest
    WHERE due_on <> (payment_at AT TIME ZONE %s)::date
)
"""


@dataclass(frozen=True, slots=True)
class PostgresPlatformSettings:
    connection: Connection

    def time_zone(self) -> str | None:
        # While a new version is rolled out, this one may come before its migration.
        if self.connection.exec_driver_sql("SELECT to_regclass('platform_settings')").scalar_one() is None:
            return None
        return self._value(_TIME_ZONE)

    def keep_time_zone(self, name: str) -> str:
        known = self.connection.exec_driver_sql(
            "SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = %s)", (name,)
        )
        if not known.scalar_one():
            raise TimeZoneChanged(f"PSP_TIME_ZONE is {name}, which this database server does not know")
        if self._value(_TIME_ZONE) is None and self.connection.exec_driver_sql(_OTHER_DAYS, (name,)).scalar_one():
            raise TimeZoneChanged(
                f"PSP_TIME_ZONE is {name}, but the due dates in this database are days of another time zone: name that"
            )
        self.connection.exec_driver_sql(_KEEP, {"name": _TIME_ZONE, "value": name})
        return self._value(_TIME_ZONE) or name

    def _value(self, name: str) -> str | None:
        return self.connection.exec_driver_sql(
            "SELECT value FROM platform_settings WHERE name = %s", (name,)
        ).scalar_one_or_none()
