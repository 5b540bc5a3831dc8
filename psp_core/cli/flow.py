"""What flows: the queues, the relay that fills them and the drain that empties them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import click

from psp_core.adapters.sqs import SqsQueue
from psp_core.bootstrap import sqs_settings
from psp_core.cli.context import operator_core, operator_settings, optional_reason_option, recorded
from psp_core.usecases.payables.drain_queue import DrainOutcome


@click.group()
def queues() -> None:
    """The transactions' queue and its dead-letter queue."""


@queues.command(name="create")
@optional_reason_option
def create_queues(reason: str) -> None:
    """Create both queues, unless they exist: then nothing is done, and nothing recorded."""
    queue = SqsQueue(sqs_settings(operator_settings()))
    if not (missing := queue.missing()):
        return
    with recorded(operator_core(), "queues create", reason, queues=", ".join(missing)):
        queue.create()


@click.command()
@click.option("--until-empty", is_flag=True, help="End when the outbox is empty.")
def relay(until_empty: bool) -> None:
    """Send what the outbox holds to the queue. Every API process does this too."""
    loop = operator_core(outlives_outages=not until_empty).keep_relaying(
        on_outcome=lambda report: click.echo(f"sent {report.transactions} transactions"), on_failure=_tell
    )
    if until_empty:
        loop.run_until_empty()
    else:
        _run_until_stopped(loop.run, stop=loop.stop)


@click.command()
@click.option("--until-empty", is_flag=True, help="End when the queue has been empty for a while.")
def drain(until_empty: bool) -> None:
    """Make payables of what is in the queue, as Dagster's drain runs do; for capacity beside them."""
    core = operator_core(outlives_outages=not until_empty)
    if until_empty:
        _show_drain(core.drain_queue())
    else:
        loop = core.keep_draining(on_outcome=_show_drain, on_failure=_tell)
        _run_until_stopped(loop.run, stop=loop.stop)


def _show_drain(report: DrainOutcome) -> None:
    click.echo(f"created {report.created} payables from {report.messages} messages")


def _tell(outage: Exception) -> None:
    click.echo(f"psp: {outage}; trying again", err=True)


def _run_until_stopped(run: Callable[[], None], *, stop: Callable[[], None]) -> None:
    """Run in another thread until SIGINT or SIGTERM asks for the end, which is a success; a second one insists."""

    # No exception: it could be raised anywhere, also where nobody asks the thread to stop and it is waited for.
    def end(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()
    click.echo("psp: stopped, as it was asked to", err=True)
