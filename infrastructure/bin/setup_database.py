"""Makes the application's and Dagster's databases and users, and puts what they connect with into Secrets Manager.

It runs inside the network, as the task `setup`, with the administrator's password. Run again, it changes both
passwords; services have to be started anew then. The pepper of the API keys is made once and never changed.
"""

import os
import secrets
from collections.abc import Callable

import boto3
import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection, encrypt_password


def set_up_user(administrator: connection, *, name: str) -> str:
    """Make the user `name` and a database of that name that it owns; return its new password."""
    password = secrets.token_urlsafe(32)
    # The server, and so its log, gets the hash only.
    hashed = encrypt_password(password, name, administrator, "scram-sha-256")
    with administrator.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,))
        verb = "ALTER" if cursor.fetchone() else "CREATE"
        cursor.execute(sql.SQL(verb + " ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), sql.Literal(hashed)))
        cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(name)))
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if not cursor.fetchone():
            cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(name)))
        cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    return password


def let_take_on_merchants(administrator: connection, *, application: str) -> None:
    """Let the application take on the role under which a merchant's reads see that merchant's rows only.

    The migrations would make that role themselves, for which the application's user would have to make roles.
    """
    with administrator.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'psp_merchant'")
        if not cursor.fetchone():
            cursor.execute("CREATE ROLE psp_merchant NOLOGIN")
        cursor.execute(sql.SQL("GRANT psp_merchant TO {}").format(sql.Identifier(application)))


def set_up(
    administrator: connection,
    *,
    application: str,
    dagster: str,
    put: Callable[[str, str], None],
    has_value: Callable[[str], bool],
) -> None:
    """Make both users with their databases; `put` each secret under the name of the variable that holds its ARN."""
    administrator.autocommit = True  # CREATE DATABASE refuses to be part of a larger transaction
    host, port = administrator.info.host, administrator.info.port
    address = f"{application}:{set_up_user(administrator, name=application)}@{host}:{port}/{application}"
    let_take_on_merchants(administrator, application=application)
    put("DATABASE_URL_ARN", f"postgresql+psycopg2://{address}?sslmode=verify-full")
    put("DAGSTER_PASSWORD_ARN", set_up_user(administrator, name=dagster))
    if not has_value("API_KEY_PEPPER_ARN"):
        put("API_KEY_PEPPER_ARN", secrets.token_urlsafe(48))


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
