"""What operators read beside a run: amounts with their decimals, tables, and numbers that the UI plots by day."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import dagster as dg

from psp_core.domain.events import QueueMessage
from psp_core.domain.kernel.errors import Discrepancy
from psp_core.domain.kernel.money import Currency, written
from psp_core.domain.ledger.sealing import SealedDay
from psp_core.domain.settlement.difference import SettlementDifference
from psp_core.domain.settlement.explanation import Table
from psp_core.domain.settlement.report import PublishedReport
from psp_core.domain.settlement.settlements import (
    MerchantTotals,
    SettlementOutcome,
    Totals,
    merge_merchants,
    totals_by_currency,
)
from psp_core.domain.settlement.unpaid_dates import UnpaidDates
from psp_core.settings import Settings
from psp_core.usecases.settlement.write_settlement_report import WrittenReport
from psp_pipelines.access.report_links import link_to

MERCHANTS_SHOWN = 10
MERCHANTS_COMPARED = 1_000
DATES_NAMED = 31
Shown: TypeAlias = dg.MetadataValue[Any]


def of_settlement(outcome: SettlementOutcome, *, seconds: float, report: Shown) -> dict[str, Any]:
    """Return what one due date's settlement shows: this run's part, and the date's whole.

    What is a number is the date's whole: the UI plots it by date, and a run that finds nothing left changes no plot.
    """
    whole = merge_merchants([*outcome.existing, *outcome.settled])
    return {
        "payables": sum(item.totals.count for item in whole),
        "settled_in_this_run": totals_table(outcome.by_currency()),
        "settled_for_the_date": totals_table(totals_by_currency(whole)),
        "already_available": totals_table(totals_by_currency([*outcome.available_before, *outcome.available])),
        **plotted(totals_by_currency(whole)),
        "largest_merchants": merchants_table(whole[:MERCHANTS_SHOWN]),
        "pace": f"{outcome.count:,} payables in this run, {outcome.count / max(seconds, 1e-3):,.0f} a second",
        "report": report,
    }


def of_dry_run(outcome: SettlementOutcome) -> dict[str, Any]:
    """Return what a dry run shows of a due date: what would be paid. Nothing in it says that anything was done."""
    would_be = merge_merchants(outcome.settled)
    return {
        "dry_run": "Nothing was paid and nothing was changed. Would be paid now: "
        f"{amounts(outcome.by_currency()) or 'nothing'}; payables: {outcome.count:,}.",
        "would_be_paid": totals_table(outcome.by_currency()),
        "would_be_paid_to": merchants_table(would_be[:MERCHANTS_SHOWN]),
        "merchants_that_would_be_paid": len({item.customer_id for item in would_be}),
        "would_be_gathered_as_already_available": totals_table(totals_by_currency(outcome.available)),
        "paid_before": totals_table(totals_by_currency(outcome.existing)),
    }


def of_difference(found: SettlementDifference) -> dict[str, Any]:
    """Return what a dry run shows of a due date beside what is stored."""
    return {
        "lines_that_would_be_added": merchants_table(found.added[:MERCHANTS_COMPARED]),
        "lines_that_are_missing": merchants_table(found.missing[:MERCHANTS_COMPARED]),
        "merchants_that_differ": len({each.customer_id for each in (*found.added, *found.missing)}),
    }


def of_report(report: WrittenReport, settings: Settings) -> dict[str, Any]:
    """Return what one due date's report shows: where it is, its checksums, and its control totals."""
    return {
        "lines": report.lines,
        "unchanged": report.unchanged,
        "merchants": report.merchants,
        "control_totals": totals_table(report.totals),
        "already_available": totals_table(report.available),
        "manifest": file_link(report.manifest.url, settings),
        **{file.name: file_link(file.url, settings) for file in report.whole},
        **{f"{file.name} SHA-256": file.sha256 for file in report.whole},
    }


def of_ledger_day(sealed: SealedDay, largest: Sequence[tuple[str, Currency, int]]) -> dict[str, Any]:
    """Return what a sealed business date shows: its trial balance, its seal, and whose money moved most."""
    return {
        "entries": sealed.entries,
        "trial_balance": plain_rows(
            ["currency", "account", "side", "debits", "credits", "balance"],
            [
                (
                    total.currency.value,
                    total.account.value,
                    total.account.side.value,
                    written(total.debit_minor, total.currency),
                    written(total.credit_minor, total.currency),
                    written(total.balance_minor, total.currency),
                )
                for total in sealed.totals
            ],
        ),
        "sha256": sealed.hash.hex(),
        "sha256_of_the_day_before": sealed.previous_hash.hex(),
        "sealed_at": f"{sealed.sealed_at:%Y-%m-%d %H:%M:%S} UTC",
        "most_moved": plain_rows(
            ["merchant", "currency", "postings' sum"],
            [(customer_id, currency.value, written(minor, currency)) for customer_id, currency, minor in largest],
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
        f"| {currency.value} | {sums.count:,} | {written(sums.gross_minor, currency)} "
        f"| {written(sums.fee_minor, currency)} | {written(sums.net_minor, currency)} |"
        for currency, sums in sorted(totals.items())
    ]
    return dg.MetadataValue.md(
        "\n".join(["| currency | payables | gross | fees | net |", "| --- | ---: | ---: | ---: | ---: |", *rows])
    )


def merchants_table(merchants: Sequence[MerchantTotals]) -> Shown:
    """Return a row for each merchant and currency."""
    return plain_rows(
        ["merchant", "currency", "payables", "gross", "fees", "net"],
        [
            (
                item.customer_id,
                item.currency.value,
                item.totals.count,
                written(item.totals.gross_minor, item.currency),
                written(item.totals.fee_minor, item.currency),
                written(item.totals.net_minor, item.currency),
            )
            for item in merchants
        ],
    )


def due_table(outcomes: Iterable[SettlementOutcome]) -> Shown:
    """Return a row for each date and currency of a dry run or forecast."""
    return plain_rows(
        ["date", "currency", "merchants", "payables", "gross", "fees", "net"],
        [
            (
                outcome.due_on.isoformat(),
                currency.value,
                sum(item.currency is currency for item in outcome.settled),
                sums.count,
                written(sums.gross_minor, currency),
                written(sums.fee_minor, currency),
                written(sums.net_minor, currency),
            )
            for outcome in outcomes
            for currency, sums in sorted(outcome.by_currency().items())
        ],
    )


def plain_table(table: Table) -> Shown:
    """Return a table of the core, whose cells are written already."""
    return plain_rows(table.columns, table.rows)


def unpaid_table(found: UnpaidDates) -> Shown:
    """Return a row for each of the oldest dates that need something."""
    return plain_rows(
        ["date", "days overdue", "still due", "payables", "merchants", "report"],
        [
            (
                day.due_on.isoformat(),
                found.days_overdue(day),
                amounts(day.owed),
                day.payables,
                day.merchants,
                "missing" if day.lacks_report else "",
            )
            for day in found.listed
        ],
    )


def overdue_sentence(found: UnpaidDates) -> str:
    """Return what an alarm says of unpaid dates: which, how much, to how many."""
    owing = [day for day in found.listed if day.owed]
    counted = f" on the oldest {len(owing)}" if len(owing) < len(found.unpaid) else ""
    dates = ", ".join(day.due_on.isoformat() for day in owing[:DATES_NAMED])
    return (
        f"Overdue: {amounts(found.owed)}{counted}; merchants: {found.merchants:,}; due dates ({len(found.unpaid):,}): "
        f"{dates}{' and later ones' if len(found.unpaid) > DATES_NAMED else ''}."
    )


def amounts(totals: Mapping[Currency, Totals]) -> str:
    """Return net amounts in words: `BRL 1,234.50 and USD 3.00`."""
    sums = sorted(totals.items())
    return " and ".join(f"{currency.value} {written(each.net_minor, currency)}" for currency, each in sums)


def messages_table(messages: Iterable[QueueMessage]) -> Shown:
    """Return a row for each dead letter: ids and times, nothing of a transaction."""
    return plain_rows(
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
    return plain_rows(["rule", "subject", "detail"], [(item.rule, item.subject, item.detail) for item in discrepancies])


def report_link(published: PublishedReport | None, settings: Settings) -> Shown:
    """Return where a due date's report is, once it is there."""
    if published is None:
        # What a run shows stays, while another one may write the report a second later.
        return dg.MetadataValue.text("the date's page of settlement_report shows the file, once it is written")
    return file_link(published.files[0].url, settings)


def file_link(url: str, settings: Settings) -> Shown:
    """Return where a file is, as a link where it can be opened."""
    opened = link_to(url, reports_url=settings.reports_url, operations_url=settings.operations_url)
    # A browser opens no file: link from a web page; as a path it can be copied.
    return dg.MetadataValue.url(opened) if opened else dg.MetadataValue.path(url)


def plain_rows(columns: Sequence[str], rows: Iterable[Sequence[str | int]]) -> Shown:
    """Return rows as a table."""
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows]
    schema = dg.TableSchema(columns=[dg.TableColumn(name) for name in columns])
    return dg.MetadataValue.table(records, schema=schema)
