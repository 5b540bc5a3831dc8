"""Makes the application's and Dagster's databases and users, a login for each of the application's programs, and puts
what they connect with into Secrets Manager.

It runs inside the network, as the task `setup`, with the administrator's password, which it changes each time, since
the first one was known outside. What has no value yet gets one: after a release that brings another login, this one
alone. Run again when nothing is missing, it changes every password, and services have to be started anew then. The
pepper of the API keys is made once and never changed.
"""

import os
import secrets
from collections.abc import Callable

import boto3
import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection, encrypt_password

from psp_core.adapters.postgres.schema.logins import Login, make_role, set_password, set_up_logins

ADMINISTRATOR = "ADMINISTRATOR_PASSWORD_ARN"
OWNER, DAGSTER, PEPPER = "DATABASE_URL_ARN", "DAGSTER_PASSWORD_ARN", "API_KEY_PEPPER_ARN"
PROGRAMS = {login: f"{login.name}_DATABASE_URL_ARN" for login in Login}


def set_up_database(administrator: connection, *, name: str) -> None:
    """Make the user `name`, without a password, and a database of that name that it owns."""
    with administrator.cursor() as cursor:
        make_role(cursor, name)
        cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(name)))
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if not cursor.fetchone():
            cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(name)))
        cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))


def set_up(
    administrator: connection,
    *,
    application: str,
    dagster: str,
    put: Callable[[str, str], None],
    has_value: Callable[[str], bool],
) -> None:
    """Make everything; `put` each secret under the name of the variable that holds its ARN."""
    administrator.autocommit = True  # CREATE DATABASE refuses to be part of a larger transaction
    names = [OWNER, DAGSTER, *PROGRAMS.values()]
    changed = [name for name in names if not has_value(name)] or names
    passwords = {name: secrets.token_urlsafe(32) for name in changed}
    for database in (application, dagster):
        set_up_database(administrator, name=database)
    users = {OWNER: application, DAGSTER: dagster}
    with administrator.cursor() as cursor:
        for name in users.keys() & passwords.keys():
            set_password(cursor, users[name], passwords[name])
    logins = {login: passwords[name] for login, name in PROGRAMS.items() if name in passwords}
    set_up_logins(administrator, database=application, owner=application, passwords=logins)
    users |= {name: login.value for login, name in PROGRAMS.items()}
    address = f"{administrator.info.host}:{administrator.info.port}/{application}?sslmode=verify-full"
    for name, password in passwords.items():
        put(name, password if name == DAGSTER else f"postgresql+psycopg2://{users[name]}:{password}@{address}")
    if not has_value(PEPPER):
        put(PEPPER, secrets.token_urlsafe(48))
    change_own_password(administrator, put=lambda password: put(ADMINISTRATOR, password))


def change_own_password(administrator: connection, *, put: Callable[[str], None]) -> None:
    """Make up another password for whoever is connected: `put` away as well or, when that fails, not changed."""
    password = secrets.token_urlsafe(32)
    hashed = encrypt_password(password, administrator.info.user, administrator, "scram-sha-256")
    administrator.autocommit = False
    with administrator, administrator.cursor() as cursor:
        cursor.execute("ALTER ROLE CURRENT_USER PASSWORD %s", (hashed,))
        put(password)


def main() -> None:
    """Set up the server that PGHOST, PGUSER, PGPASSWORD and their like name."""
    vault = boto3.client("secretsmanager")
    set_up(
        psycopg2.connect(""),
        application="psp",
        dagster="dagster",
        put=lambda name, value: vault.put_secret_value(SecretId=os.environ[name], SecretString=value),
        has_value=lambda name: "VersionIdsToStages" in vault.describe_secret(SecretId=os.environ[name]),
    )
    print("databases, users and secrets are in place")


if __name__ == "__main__":
    main()
