"""Emergency holidays in Postgres: rows are only ever added."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.pricing.holidays import Holiday


@dataclass(frozen=True, slots=True)
class PostgresHolidays:
    connection: Connection

    def all(self, calendar: BankCalendar) -> list[Holiday]:
        rows = self.connection.exec_driver_sql(
            "SELECT day, reason, created_at FROM holidays WHERE calendar = %s ORDER BY day", (calendar.value,)
        )
        return [Holiday(calendar, day, reason, created_at) for day, reason, created_at in rows]

    def add(self, holiday: Holiday) -> bool:
        return bool(
            self.connection.exec_driver_sql(
                "INSERT INTO holidays (calendar, day, reason, created_at) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT ON CONSTRAINT holidays_pkey DO NOTHING",
                (holiday.calendar.value, holiday.day, holiday.reason, holiday.created_at),
            ).rowcount
        )
