"""What operators read beside a run: amounts with their decimals, tables, and numbers that the UI plots by day."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

import dagster as dg

from psp_core.domain.events import QueueMessage
from psp_core.domain.kernel.errors import Discrepancy
from psp_core.domain.kernel.money import Currency, written
from psp_core.domain.ledger.sealing import SealedDay
from psp_core.domain.settlement.settlements import (
    MerchantTotals,
    SettlementOutcome,
    Totals,
    merge_merchants,
    totals_by_currency,
)
from psp_core.usecases.settlement.write_settlement_report import WrittenReport

MERCHANTS_SHOWN = 10
Shown: TypeAlias = dg.MetadataValue[Any]


def of_settlement(report: SettlementOutcome, *, seconds: float, reports_url: str) -> dict[str, Any]:
    """Return what one due date's settlement shows: this run's part, and the date's whole."""
    whole = merge_merchants([*report.existing, *report.settled])
    return {
        "dry_run": report.dry_run,
        "payables_settled": report.count,
        "payables_per_s": round(report.count / max(seconds, 1e-3)),
        "settled_in_this_run": totals_table(report.by_currency()),
        "settled_for_the_date": totals_table(totals_by_currency(whole)),
        **plotted(totals_by_currency(whole)),
        "largest_merchants": merchants_table(whole[:MERCHANTS_SHOWN]),
        "report": report_link(reports_url, report.due_on),
    }


def of_report(report: WrittenReport) -> dict[str, Any]:
    """Return what one due date's report shows: where it is, its checksums, and its control totals."""
    return {
        "lines": report.lines,
        "unchanged": report.unchanged,
        "merchants": report.merchants,
        "control_totals": totals_table(report.totals),
        "manifest": _link(report.manifest.url),
        **{file.name: _link(file.url) for file in report.whole},
        **{f"{file.name} SHA-256": file.sha256 for file in report.whole},
    }


def of_ledger_day(sealed: SealedDay, largest: Sequence[tuple[str, Currency, int]]) -> dict[str, Any]:
    """Return what a sealed business date shows: its trial balance, its seal, and whose money moved most."""
    return {
        "entries": sealed.entries,
        "trial_balance": _table(
            ["currency", "account", "side", "debits", "credits", "balance"],
            [
                (
                    total.currency.value,
                    total.account.value,
                    total.account.side.value,
                    written(total.debit_minor),
                    written(total.credit_minor),
                    written(total.balance_minor),
                )
                for total in sealed.totals
            ],
        ),
        "sha256": sealed.hash.hex(),
        "sha256_of_the_day_before": sealed.previous_hash.hex(),
        "sealed_at": f"{sealed.sealed_at:%Y-%m-%d %H:%M:%S} UTC",
        "most_moved": _table(
            ["merchant", "currency", "postings' sum"],
            [(customer_id, currency.value, written(minor)) for customer_id, currency, minor in largest],
        ),
    }


def plotted(totals: Mapping[Currency, Totals]) -> dict[str, int]:
    """Return numbers that the UI draws as a line over the partitions: the net amount settled by day."""
    return {f"net_{currency.value}_minor_units": sums.net_minor for currency, sums in totals.items()}


def totals_table(totals: Mapping[Currency, Totals]) -> Shown:
    """Return counts, gross, fees and net by currency."""
    if not totals:
        return dg.MetadataValue.md("nothing")
    rows = [
        f"| {currency.value} | {sums.count:,} | {written(sums.gross_minor)} | {written(sums.fee_minor)} "
        f"| {written(sums.net_minor)} |"
        for currency, sums in sorted(totals.items())
    ]
    return dg.MetadataValue.md(
        "\n".join(["| currency | payables | gross | fees | net |", "| --- | ---: | ---: | ---: | ---: |", *rows])
    )


def merchants_table(merchants: Sequence[MerchantTotals]) -> Shown:
    """Return a row for each merchant and currency."""
    return _table(
        ["merchant", "currency", "payables", "gross", "fees", "net"],
        [
            (
                item.customer_id,
                item.currency.value,
                item.totals.count,
                written(item.totals.gross_minor),
                written(item.totals.fee_minor),
                written(item.totals.net_minor),
            )
            for item in merchants
        ],
    )


def messages_table(messages: Iterable[QueueMessage]) -> Shown:
    """Return a row for each dead letter: ids and times, nothing of a transaction."""
    return _table(
        ["message", "sent at", "transactions", "first transaction", "times looked at"],
        [
            (
                message.message_id,
                f"{message.sent_at:%Y-%m-%d %H:%M:%S} UTC" if message.sent_at else "",
                "unreadable" if message.transaction_ids is None else str(len(message.transaction_ids)),
                str(message.transaction_ids[0]) if message.transaction_ids else "",
                message.receive_count,
            )
            for message in messages
        ],
    )


def discrepancies_table(discrepancies: Iterable[Discrepancy]) -> Shown:
    """Return a row for each way in which the books do not balance."""
    return _table(["rule", "subject", "detail"], [(item.rule, item.subject, item.detail) for item in discrepancies])


def report_link(reports_url: str, due_on: date) -> Shown:
    """Return where a due date's report is, or will be."""
    return _link(f"{reports_url.rstrip('/')}/settlement/{due_on}")


def _link(url: str) -> Shown:
    # A browser opens no file: link from a web page; as a path it can be copied.
    return dg.MetadataValue.path(url.removeprefix("file://").removeprefix("file:"))


def _table(columns: Sequence[str], rows: Iterable[Sequence[str | int]]) -> Shown:
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows]
    schema = dg.TableSchema(columns=[dg.TableColumn(name) for name in columns])
    return dg.MetadataValue.table(records, schema=schema)
