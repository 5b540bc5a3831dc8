"""What the demonstration shows: bars and colours on a terminal, plain lines without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from psp_core.domain.kernel.money import written
from psp_local.demo.accounts import Account
from psp_local.demo.settling import PaidDate

_PLAIN_WIDTH = 110
_PLAIN_STEPS = 8
Advance = Callable[[int, str], None]
"""Called with how much is done, and what is said beside the bar."""


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

    @contextmanager
    def progress(self, *, total: int, what: str) -> Iterator[Advance]:
        """Show how far something is; several threads may tell it."""
        if not self._console.is_terminal:
            yield self._plain_progress(total=total, what=what)
            return
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(what))
        with Progress(*columns, TimeElapsedColumn(), console=self._console) as bar:
            task = bar.add_task("", total=total)
            yield lambda done, beside: bar.update(task, completed=done, description=beside)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show that something goes on; what is said meanwhile appears above."""
        if not self._console.is_terminal:
            self.say(text)
            yield
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as spinner:
            spinner.add_task(text, total=None)
            yield

    def paid(self, date: PaidDate) -> None:
        self._console.print(
            f"  [green]✓[/green] {date.due_on} {date.payables:>6,} payables"
            f"{_money(date.gross_minor, date.currency):>17} gross"
            f"{_money(date.net_minor, date.currency):>17} paid to {', '.join(date.merchants)}"
        )

    def totals(self, accounts: Sequence[Account]) -> None:
        """Show a line for each merchant, and their sum."""
        table = Table(box=None, pad_edge=False, header_style="bold", show_footer=True, footer_style="bold")
        table.add_column("  merchant", "  together")
        columns = [_cells(account) for account in accounts]
        currency = next((account.currency for account in accounts if account.currency), "")
        for number, name in enumerate(("transactions", "gross", "fees", "paid", "still waiting")):
            total = sum(cells[number] for cells in columns)
            footer = f"{total:,}" if number == 0 else _money(total, currency)
            table.add_column(name, footer, justify="right")
        for account, (count, *amounts) in zip(accounts, columns, strict=True):
            money = (_money(amount, account.currency) for amount in amounts)
            table.add_row(f"  {account.customer_id}", f"{count:,}", *money)
        self._console.print(table)

    def _plain_progress(self, *, total: int, what: str) -> Advance:
        lock, shown = Lock(), 0

        def advance(done: int, beside: str) -> None:
            nonlocal shown
            with lock:
                step = done * _PLAIN_STEPS // max(total, 1)
                if step > shown:
                    shown = step
                    self.say(f"{beside}  {done:,} of {total:,} {what}")

        return advance


def _cells(account: Account) -> tuple[int, int, int, int, int]:
    paid, waiting = account.net_minor(status="paid"), account.net_minor(status="waiting_funds")
    return len(account.transactions), account.gross_minor, account.fee_minor, paid, waiting


def _money(minor: int, currency: str) -> str:
    return f"{currency} {written(minor)}"
