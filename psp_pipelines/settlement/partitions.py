"""The partitions of everything that settles: one for each due date, up to and including today."""

import dagster as dg

from psp_core.settings import CalendarSettings, load

calendar = load(CalendarSettings)

due_dates = dg.DailyPartitionsDefinition(
    start_date=calendar.first_due_date.isoformat(),
    timezone=calendar.time_zone,
    # Without it the newest partition is yesterday's, and today could not be settled today.
    end_offset=1,
)
