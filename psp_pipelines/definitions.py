"""What Dagster loads: everything this package defines, by name. Keep it quick to import, every run does."""

import dagster as dg

from psp_pipelines.assets.payables import payables
from psp_pipelines.assets.settlement import settlement
from psp_pipelines.jobs import drain_payables, settle_due_payables
from psp_pipelines.resources import core
from psp_pipelines.schedules import daily_settlement, settlement_sweep
from psp_pipelines.sensors.queue import payables_queue_sensor

definitions = dg.Definitions(
    assets=[payables, settlement],
    jobs=[drain_payables, settle_due_payables],
    schedules=[daily_settlement, settlement_sweep],
    sensors=[payables_queue_sensor],
    resources={"core": core},
)
