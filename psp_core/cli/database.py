"""The database before a program uses it: the schema and the programs' logins."""

from __future__ import annotations

import os
from contextlib import nullcontext
from functools import partial

import click

from psp_core.adapters.postgres.schema.logins import Login, set_logins
from psp_core.adapters.postgres.schema.migrate import check_models, migrate, present_revision
from psp_core.adapters.postgres.schema.schema_version import known_revisions
from psp_core.bootstrap import build_core
from psp_core.cli.context import operator_settings, optional_reason_option, recorded
from psp_core.settings import Settings

_RECORDS_SINCE = "0007"
"""The revision whose tables a record of ours fits into."""


@click.command(name="migrate")
@optional_reason_option
def migrate_database(reason: str) -> None:
    """Bring the database to the newest schema, as the tables' owner; where it is new already, nothing is recorded."""
    owner = _owners(operator_settings())
    url = owner.database_url.get_secret_value()
    core = build_core(owner, application_name="psp-cli")
    present, newest = present_revision(url), known_revisions()[-1]
    if present is not None and present >= newest:
        core.time_zone.keep()
        return
    record = partial(recorded, core, "migrate", reason, revision_before=present or "none", revision=newest)
    with record() if present is not None and present >= _RECORDS_SINCE else nullcontext():
        migrate(url)
        core.time_zone.keep()
    if present is None or present < _RECORDS_SINCE:
        # It could not be recorded before: there was no table for it.
        with record():
            pass


@click.command(name="set-logins")
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


@click.command(name="check-models", hidden=True)
def check_migrations() -> None:
    """Fail when the migrations' outcome differs from the tables that the program expects."""
    check_models(_owners(operator_settings()).database_url.get_secret_value())


def _owners(settings: Settings) -> Settings:
    """Return the settings with the login of the tables' owner, where it has one of its own."""
    return settings.model_copy(update={"database_url": settings.migration_database_url or settings.database_url})
