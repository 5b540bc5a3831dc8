"""The database before a program uses it: the schema and the programs' logins."""

from __future__ import annotations

import os

import click

from psp_core.adapters.postgres.schema.logins import Login, set_logins
from psp_core.adapters.postgres.schema.migrate import check_models, migrate
from psp_core.bootstrap import build_core
from psp_core.cli.context import operator_settings
from psp_core.settings import Settings


@click.command(name="migrate")
def migrate_database() -> None:
    """Bring the database to the newest schema, as the tables' owner."""
    owner = _owners(operator_settings())
    migrate(owner.database_url.get_secret_value())
    build_core(owner, application_name="psp-cli").time_zone.keep()


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
