"""What the demonstration shows: bars and colours on a terminal, plain lines without one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.status import Status
from rich.table import Table

from psp_core.domain.kernel.money import Currency, written
from psp_local.demo.accounts import Account, total
from psp_local.demo.merchant_api import Row
from psp_local.demo.traffic import CURRENCY

_PLAIN_WIDTH = 110


class Screen:
    def __init__(self) -> None:
        console = Console(highlight=False)
        self._console = console if console.is_terminal else Console(highlight=False, width=_PLAIN_WIDTH)

    def title(self, text: str) -> None:
        self._console.print(f"\n[bold]{text}[/bold]")

    def say(self, text: str) -> None:
        self._console.print(f"  {text}", markup=False)

    def good(self, text: str) -> None:
        self._console.print(f"  [green]✓[/green] {text}")

    def bad(self, text: str) -> None:
        self._console.print(f"  [red]✗[/red] {text}")

    def waiting(self, text: str) -> Status:
        """Show that something goes on; what is said meanwhile appears above."""
        return self._console.status(text)

    def progress(self, what: str) -> Progress:
        """Show how far something is: a task's description is said beside its bar."""
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(what))
        return Progress(*columns, TimeElapsedColumn(), console=self._console)

    def paid(self, when: date | str, payables: Sequence[Row]) -> None:
        """Show what was paid on a date, or at once."""
        gross, net = (_money(total(payables, name)) for name in ("amount", "receivable_amount"))
        merchants = ", ".join(sorted({row["merchant"] for row in payables}))
        self.good(f"{when!s:<10} {len(payables):>6,} payables{gross:>17} gross{net:>17} paid to {merchants}")

    def totals(self, accounts: Sequence[Account]) -> None:
        """Show a line for each merchant, and their sum."""
        table = Table(box=None, pad_edge=False, header_style="bold", show_footer=True, footer_style="bold")
        rows = [(len(account.transactions), *account.amounts_minor) for account in accounts]
        count, *sums = (sum(column) for column in zip(*rows, strict=True))
        table.add_column("  merchant", "  together")
        table.add_column("transactions", f"{count:,}", justify="right")
        for name, amount in zip(("gross", "fees", "paid", "still waiting"), sums, strict=True):
            table.add_column(name, _money(amount), justify="right")
        for account, (count, *amounts) in zip(accounts, rows, strict=True):
            table.add_row(f"  {account.customer_id}", f"{count:,}", *map(_money, amounts))
        self._console.print(table)


def _money(minor: int) -> str:
    return f"{CURRENCY} {written(minor, Currency(CURRENCY))}"
