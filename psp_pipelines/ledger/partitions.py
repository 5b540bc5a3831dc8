"""The partitions of the ledger: one for each business date that is over."""

import dagster as dg

from psp_pipelines.settlement.partitions import calendar

business_dates = dg.DailyPartitionsDefinition(
    start_date=calendar.first_due_date.isoformat(), timezone=calendar.time_zone
)
