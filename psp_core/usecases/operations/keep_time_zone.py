"""Keep the time zone whose days the due dates are: it is chosen once, before the first transaction."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from psp_core.domain.kernel.errors import TimeZoneChanged
from psp_core.ports.store import Store


@dataclass(frozen=True, slots=True)
class KeepTimeZone:
    store: Store
    zone: ZoneInfo

    def keep(self) -> None:
        """Keep the settings' time zone in the database, after a migration. Raises TimeZoneChanged for another one."""
        with self.store.begin() as work:
            kept = work.platform_settings.keep_time_zone(self.zone.key)
        self._compare(kept)

    def require(self) -> None:
        """Raise TimeZoneChanged when the database keeps another time zone, and StorageUnavailable."""
        with self.store.begin() as work:
            kept = work.platform_settings.time_zone()
        self._compare(kept)

    def _compare(self, kept: str | None) -> None:
        if kept not in (None, self.zone.key):
            raise TimeZoneChanged(
                f"PSP_TIME_ZONE is {self.zone.key}, but this database's due dates are days of {kept} and stay so: "
                f"set PSP_TIME_ZONE={kept}"
            )
