"""The command line: `psp --help` lists what an operator or a start-up script can do."""

from __future__ import annotations

import os
import platform
import pwd
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec

import click
from sqlalchemy.exc import ArgumentError

from psp_core.adapters.postgres.schema.logins import Login, set_logins
from psp_core.adapters.postgres.schema.migrate import check_models, migrate
from psp_core.adapters.secrets import put_secret
from psp_core.adapters.sqs import SqsQueue
from psp_core.bootstrap import Core, build_core, sqs_settings
from psp_core.cli.arguments import KeyId, MerchantName, Reason
from psp_core.domain.access import IssuedKey, KeyMode, Scope
from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.kernel.errors import DomainError, StorageUnavailable
from psp_core.domain.pricing import DEFAULT_FEE_PLAN, DELAY_DAYS_MAX, FEE_BPS_MAX
from psp_core.settings import Settings, load
from psp_core.usecases.access.manage_api_keys import LIFETIME_MAX, OVERLAP_MAX
from psp_core.usecases.payables.drain_queue import DrainReport

_reason = click.option(
    "--reason", default="none given", show_default=True, type=Reason(), help="Why: recorded, and kept for ever."
)

_BPS = click.IntRange(0, FEE_BPS_MAX)


def main() -> None:
    """Run the command; a refusal is one sentence and exit code 1."""
    try:
        commands(standalone_mode=True)
    except DomainError as refusal:
        sys.exit(f"psp: {refusal}")
    except ArgumentError:
        # Its text would repeat the URL, with the password in it.
        sys.exit("psp: PSP_DATABASE_URL is no URL like postgresql+psycopg2://user:password@host:5432/database")
    except OSError as error:
        sys.exit(f"psp: {error.strerror or error}: {error.filename or ''}".rstrip(": "))


class _Extensible(click.Group):
    """Commands of other packages stand beside ours: each is an entry point of the group `psp.commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_beside_ours()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is None and (found := _beside_ours().get(cmd_name)):
            own = found.load()
        return own


@cache
def _beside_ours() -> dict[str, EntryPoint]:
    # The image has the metadata of all packages, and not the one that runs a laptop.
    found = entry_points(group="psp.commands")
    return {entry.name: entry for entry in found if find_spec(entry.module.partition(".")[0])}


@click.group(cls=_Extensible)
def commands() -> None:
    """Accept card transactions, turn them into payables, settle them when they are due."""


@commands.command(name="migrate")
def migrate_database() -> None:
    """Bring the database to the newest schema, as the tables' owner."""
    settings = _settings()
    owner = settings.model_copy(update={"database_url": settings.migration_database_url or settings.database_url})
    migrate(owner.database_url.get_secret_value())
    build_core(owner, application_name="psp-cli").time_zone.keep()


@commands.command(name="set-logins")
@click.option("--administrator-url", envvar="PSP_ADMINISTRATOR_DATABASE_URL", required=True, show_envvar=True)
def set_programs_logins(administrator_url: str) -> None:
    """Make the login of every program, with the passwords PSP_LOGIN_API_PASSWORD and so on; before `psp migrate`.

    The administrator of the database's cluster does it, as PSP_ADMINISTRATOR_DATABASE_URL says.
    """
    names = {login: f"{login.upper()}_PASSWORD" for login in Login}
    passwords = {login: os.environ[name] for login, name in names.items() if os.environ.get(name)}
    if not passwords:
        raise click.ClickException(f"no password is set, of {', '.join(names.values())}")
    set_logins(administrator_url, passwords)
    click.echo(f"{', '.join(sorted(passwords))} can log in")


@commands.command(name="check-models", hidden=True)
def check_migrations() -> None:
    """Fail when the migrations' outcome differs from the tables that the program expects."""
    check_models(_owner_url())


@commands.group()
def queues() -> None:
    """The transactions' queue and its dead-letter queue."""


@queues.command(name="create")
def create_queues() -> None:
    """Create both queues, unless they exist."""
    SqsQueue(sqs_settings(_settings())).create()


@commands.command()
@click.option("--until-empty", is_flag=True, help="End when the outbox is empty.")
def relay(until_empty: bool) -> None:
    """Send what the outbox holds to the queue. Every API process does this too."""
    loop = _core(outlives_outages=not until_empty).keep_relaying(
        on_report=lambda report: click.echo(f"sent {report.transactions} transactions"), on_failure=_tell
    )
    if until_empty:
        loop.run_until_empty()
    else:
        _run_until_stopped(loop.run, stop=loop.stop)


@commands.command()
@click.option("--until-empty", is_flag=True, help="End when the queue has been empty for a while.")
def drain(until_empty: bool) -> None:
    """Make payables of what is in the queue, as Dagster's drain runs do; for capacity beside them."""
    core = _core(outlives_outages=not until_empty)
    if until_empty:
        _show_drain(core.drain_queue())
    else:
        loop = core.keep_draining(on_report=_show_drain, on_failure=_tell)
        _run_until_stopped(loop.run, stop=loop.stop)


@commands.command()
@click.argument("due_on", metavar="DUE_ON", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--dry-run", is_flag=True, help="Only show what would be paid.")
@click.option(
    "--reason",
    default="",
    type=Reason(),
    help="Why this is done by hand: recorded, and asked for unless it is a dry run.",
)
def settle(due_on: datetime, dry_run: bool, reason: str) -> None:
    """Settle what is due on DUE_ON (YYYY-MM-DD)."""
    core = _core()
    if not (dry_run or reason.strip()):
        raise click.UsageError("what is done by hand needs a --reason")
    recorded = nullcontext() if dry_run else _recorded(core, "settle", reason, due_on=f"{due_on:%Y-%m-%d}")
    with recorded:
        report = core.settle_payables(due_on=due_on.date(), dry_run=dry_run)
    for currency, totals in report.by_currency().items():
        click.echo(
            f"{currency}: {totals.count} payables, gross {totals.gross_minor}, fee {totals.fee_minor}, "
            f"net {totals.net_minor} (minor units)"
        )
    if not report.settled:
        click.echo("nothing is due")


@commands.command(name="check-books")
def check_books() -> None:
    """Check that not a cent was created, lost, paid early or paid twice."""
    _core().check_books.require()
    click.echo("the books balance")


@commands.group(name="fee-plans")
def fee_plans() -> None:
    """The merchants' terms."""


@fee_plans.command(name="set")
@click.argument("customer_id", type=MerchantName())
@click.option("--credit-fee-bps", default=DEFAULT_FEE_PLAN.credit_fee_bps, show_default=True, type=_BPS)
@click.option("--debit-fee-bps", default=DEFAULT_FEE_PLAN.debit_fee_bps, show_default=True, type=_BPS)
@click.option(
    "--credit-delay-days",
    default=DEFAULT_FEE_PLAN.credit_delay_days,
    show_default=True,
    type=click.IntRange(0, DELAY_DAYS_MAX),
)
@click.option("--calendar", type=click.Choice([item.value for item in BankCalendar]), default="every_day")
@_reason
def set_fee_plan(
    customer_id: str, *, credit_fee_bps: int, debit_fee_bps: int, credit_delay_days: int, calendar: str, reason: str
) -> None:
    """Change CUSTOMER_ID's terms for transactions from now on."""
    core = _core()
    terms = {"credit_fee_bps": credit_fee_bps, "debit_fee_bps": debit_fee_bps, "credit_delay_days": credit_delay_days}
    shown = {name: str(value) for name, value in terms.items()}
    with _recorded(core, "fee-plans set", reason, customer_id=customer_id, calendar=calendar, **shown):
        core.change_fee_plan(customer_id, **terms, calendar=BankCalendar(calendar))
    click.echo(f"{customer_id}: credit {credit_fee_bps} bps after {credit_delay_days} days, debit {debit_fee_bps} bps")


@commands.group()
def keys() -> None:
    """The merchants' API keys."""


@keys.command(name="create")
@click.argument("customer_id", type=MerchantName())
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice([item.value for item in Scope]))
@click.option("--live/--test", default=None, help="The platform takes one of both: PSP_API_KEY_MODE.")
@click.option("--expires-in-days", type=click.IntRange(1, LIFETIME_MAX.days), help="Without it, the key never expires.")
@_reason
def create_key(
    customer_id: str, scopes: tuple[str, ...], live: bool | None, expires_in_days: int | None, reason: str
) -> None:
    """Make a key for CUSTOMER_ID and show it, this once."""
    mode = None if live is None else KeyMode.LIVE if live else KeyMode.TEST
    lifetime = None if expires_in_days is None else timedelta(days=expires_in_days)
    core = _core()
    shown = {"scopes": "+".join(scopes), "expires_in_days": str(expires_in_days or "never")}
    with _recorded(core, "keys create", reason, customer_id=customer_id, **shown):
        issued = core.manage_api_keys.create(customer_id, scopes=map(Scope, scopes), mode=mode, expires_in=lifetime)
        _show(issued, core)


@keys.command(name="rotate")
@click.argument("key_id", type=KeyId())
@click.option(
    "--overlap-hours", type=click.IntRange(0, OVERLAP_MAX // timedelta(hours=1)), default=24, show_default=True
)
@_reason
def rotate_key(key_id: str, overlap_hours: int, reason: str) -> None:
    """Make another key like KEY_ID, show it this once, and let KEY_ID work for the overlap only."""
    core = _core()
    with _recorded(core, "keys rotate", reason, key_id=key_id, overlap_hours=str(overlap_hours)):
        issued = core.manage_api_keys.rotate(key_id, overlap=timedelta(hours=overlap_hours))
        _show(issued, core)
    click.echo(f"{key_id} works for {overlap_hours} more hours at most", err=True)


@keys.command(name="revoke")
@click.argument("key_id", type=KeyId())
@_reason
def revoke_key(key_id: str, reason: str) -> None:
    """End KEY_ID now: the API refuses it within PSP_API_KEY_CACHE_TTL_S seconds."""
    core = _core()
    with _recorded(core, "keys revoke", reason, key_id=key_id):
        key = core.manage_api_keys.revoke(key_id)
    click.echo(f"{key_id} of {key.customer_id} was revoked at {key.revoked_at}")


@keys.command(name="list")
@click.argument("customer_id", required=False, type=MerchantName())
def list_keys(customer_id: str | None) -> None:
    """List CUSTOMER_ID's keys, or everybody's."""
    core = _core()
    now = core.clock.now()
    for key in core.manage_api_keys.list(customer_id=customer_id):
        click.echo(
            f"{key.id}  {key.customer_id}  {key.mode}  {'+'.join(sorted(key.scopes))}  {key.status(at=now)}"
            f"  created {key.created_at}  expires {key.expires_at or 'never'}  last used {key.last_used_at or 'never'}"
        )


def _show_drain(report: DrainReport) -> None:
    click.echo(f"created {report.created} payables from {report.messages} messages")


def _tell(outage: Exception) -> None:
    click.echo(f"psp: {outage}; trying again", err=True)


def _run_until_stopped(run: Callable[[], None], *, stop: Callable[[], None]) -> None:
    """Run in another thread until SIGINT or SIGTERM asks for the end, which is a success; a second one insists."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(run)
        try:
            work.result()
        except KeyboardInterrupt:
            stop()
            work.result()
    click.echo("psp: stopped, as it was asked to", err=True)


def _show(issued: IssuedKey, core: Core) -> None:
    if (prefix := core.settings.api_key_secret_prefix) is not None:
        # Where the output is a log: the key goes where only those can read it who may.
        name = f"{prefix}{issued.key.id}"
        put_secret(name, issued.token.text, kms_key_id=core.settings.api_key_secret_kms_key)
        click.echo(f"key {issued.key.id} of {issued.key.customer_id}: its token is the secret {name}")
        return
    # The token alone on the standard output, so that a script can put it where it belongs.
    click.echo(issued.token.text)
    click.echo(f"key {issued.key.id} of {issued.key.customer_id}: it cannot be shown again, keep it safe", err=True)


@contextmanager
def _recorded(core: Core, action: str, reason: str, **details: str) -> Iterator[None]:
    """Record who does what and why, and how it ends. A refusal is one sentence."""
    try:
        with core.record_operator_action.command(action, reason=reason, actor=_actor(), details=details):
            yield
    except ValueError as refusal:
        raise click.ClickException(str(refusal)) from refusal


def _actor() -> str:
    """Return the system's user and host, and on whose behalf: of `sudo`, or of a task that somebody started."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"uid {os.getuid()}"
    behalf = [os.environ[name] for name in ("SUDO_USER", "PSP_ACTOR") if os.environ.get(name)]
    return " for ".join([f"{user}@{platform.node()}", *behalf])


def _core(*, outlives_outages: bool = False) -> Core:
    core = build_core(_settings(), application_name="psp-cli")
    try:
        core.time_zone.require()
    except StorageUnavailable:
        # Such a program starts without its database, too, and what makes due dates asks again.
        if not outlives_outages:
            raise
    return core


def _owner_url() -> str:
    settings = _settings()
    return (settings.migration_database_url or settings.database_url).get_secret_value()


def _settings() -> Settings:
    if "PSP_DATABASE_URL" not in os.environ:
        for entry in entry_points(group="psp.environment"):
            if find_spec(entry.module.partition(".")[0]):
                entry.load()(os.environ)
    if "PSP_DATABASE_URL" not in os.environ:
        raise click.ClickException("PSP_DATABASE_URL is not set, and no stack was started in this folder: `make`")
    return load(Settings)


if __name__ == "__main__":
    main()
