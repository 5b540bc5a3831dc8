"""What Dagster loads: everything this package defines, by name. Keep it quick to import, every run does."""

import dagster as dg

from psp_pipelines.desk import explain_merchant
from psp_pipelines.intake import transactions
from psp_pipelines.jobs import drain_payables, seal_ledger, settle_due_payables, watch
from psp_pipelines.kernel.resources import core
from psp_pipelines.kernel.worker_watch import end_with_the_worker_watch
from psp_pipelines.ledger.debts import merchant_debts, no_old_debt
from psp_pipelines.ledger.ledger_day import ledger_day
from psp_pipelines.ledger.opening import ledger_opening
from psp_pipelines.ledger.write_off import write_off
from psp_pipelines.operations.alarms import failed_run_alarm
from psp_pipelines.operations.check_alarm import failed_check_alarm
from psp_pipelines.operations.clean_up import clean_up
from psp_pipelines.operations.dead_letters import dead_letter_queue_empty, dead_letters
from psp_pipelines.operations.dead_runs import dead_run_sensor
from psp_pipelines.operations.flow import every_transaction_has_payables, flow, outbox_not_stuck
from psp_pipelines.operations.full_books import check_all_books
from psp_pipelines.operations.redrive import redrive
from psp_pipelines.payables.payables import payables
from psp_pipelines.payables.queue_sensor import payables_queue_sensor
from psp_pipelines.payables.repair import repair
from psp_pipelines.payables.repair_sensor import stray_transactions_sensor
from psp_pipelines.refunds import fail_refund
from psp_pipelines.schedules import (
    daily_settlement,
    early_dates_sweep,
    flow_watch,
    nightly_clean_up,
    nightly_release,
    nightly_seal,
    settlement_sweep,
    weekly_books,
)
from psp_pipelines.settlement.books import books_balance
from psp_pipelines.settlement.early_dates import settle_early_dates
from psp_pipelines.settlement.forecast import forecast
from psp_pipelines.settlement.reserve import release_reserve
from psp_pipelines.settlement.settlement import settlement
from psp_pipelines.settlement.settlement_report import settlement_report
from psp_pipelines.settlement.unpaid_dates import nothing_overdue, unpaid_dates

end_with_the_worker_watch()

definitions = dg.Definitions(
    assets=[
        transactions,
        dead_letters,
        payables,
        ledger_opening,
        ledger_day,
        merchant_debts,
        settlement,
        settlement_report,
        unpaid_dates,
        flow,
    ],
    asset_checks=[
        books_balance,
        nothing_overdue,
        no_old_debt,
        every_transaction_has_payables,
        outbox_not_stuck,
        dead_letter_queue_empty,
    ],
    jobs=[
        drain_payables,
        settle_due_payables,
        settle_early_dates,
        seal_ledger,
        explain_merchant,
        forecast,
        watch,
        repair,
        redrive,
        fail_refund,
        release_reserve,
        write_off,
        clean_up,
        check_all_books,
    ],
    schedules=[
        daily_settlement,
        settlement_sweep,
        early_dates_sweep,
        flow_watch,
        nightly_clean_up,
        nightly_release,
        nightly_seal,
        weekly_books,
    ],
    sensors=[payables_queue_sensor, dead_run_sensor, stray_transactions_sensor, failed_run_alarm, failed_check_alarm],
    resources={"core": core},
    # A second process would import for seconds, and a run is a process of its own.
    executor=dg.in_process_executor,
)
