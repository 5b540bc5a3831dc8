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


def set_up(administrator: connection, *, put: Callable[[str, str], None], has_value: Callable[[str], bool]) -> None:
    """Make both users and databases; `put` each secret under the name of the variable that holds its ARN."""
    administrator.autocommit = True  # CREATE DATABASE refuses to be part of a larger transaction
    host, port = administrator.info.host, administrator.info.port
    password = set_up_user(administrator, name="psp")
    put("DATABASE_URL_ARN", f"postgresql+psycopg2://psp:{password}@{host}:{port}/psp?sslmode=verify-full")
    put("DAGSTER_PASSWORD_ARN", set_up_user(administrator, name="dagster"))
    if not has_value("API_KEY_PEPPER_ARN"):
        put("API_KEY_PEPPER_ARN", secrets.token_urlsafe(48))


def main() -> None:
    vault = boto3.client("secretsmanager")
    set_up(
        psycopg2.connect(""),  # from PGHOST, PGUSER, PGPASSWORD and their like
        put=lambda name, value: vault.put_secret_value(SecretId=os.environ[name], SecretString=value),
        has_value=lambda name: "VersionIdsToStages" in vault.describe_secret(SecretId=os.environ[name]),
    )
    print("databases, users and secrets are in place")


if __name__ == "__main__":
    main()
