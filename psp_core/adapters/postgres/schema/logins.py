"""A login for each program: who connects as whom, made by an administrator of the cluster.

What each may do is granted to roles without a login by the migrations (0008_roles.sql, 0011_webserver.sql); a login is
a member of one.
docs/decisions/013-a-login-for-each-program.md says why.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from contextlib import closing, suppress
from enum import StrEnum

import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import connection, cursor, encrypt_password
from sqlalchemy import make_url

ROLES = ("psp_merchant", "psp_api", "psp_relay", "psp_runs", "psp_operator", "psp_support", "psp_webserver")


class Login(StrEnum):
    """Who connects; the value is the login's name in the cluster."""

    API = "psp_login_api"
    """Stores transactions, and knows the callers' keys."""
    READS = "psp_login_reads"
    """What merchants read, in the API."""
    RELAY = "psp_login_relay"
    """The outbox: in every API process, or in `psp relay`."""
    RUNS = "psp_login_runs"
    """Dagster's code: drains, settlements, reports, checks."""
    OPERATOR = "psp_login_operator"
    """The command line, in an operator's hand."""
    SUPPORT = "psp_login_support"
    """A person who only looks."""
    WEBSERVER = "psp_login_webserver"
    """Dagster's webserver: records what is done on its pages."""


_ROLE_OF = {
    Login.API: "psp_api",
    Login.READS: "psp_merchant",
    Login.RELAY: "psp_relay",
    Login.RUNS: "psp_runs",
    Login.OPERATOR: "psp_operator",
    Login.SUPPORT: "psp_support",
    Login.WEBSERVER: "psp_webserver",
}
_TURNS_MAX = 20
_ONLY_READ = (Login.READS, Login.SUPPORT)


def set_up_logins(administrator: connection, *, database: str, owner: str, passwords: Mapping[Login, str]) -> None:
    """Make the roles and a login for each password, or give it that password; let in nobody else.

    Run it before `psp migrate`, and again whenever a password changes. The administrator may make roles, commits by
    itself, and owns the database or is a member of its owner, whose name is `owner`.
    """
    with administrator.cursor() as statements:
        for role in ROLES:
            make_role(statements, role)
        _make_member(statements, "psp_operator", of="psp_runs")
        for role in ROLES:
            _make_member(statements, owner, of=role)
        statements.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
        for login, password in passwords.items():
            set_password(statements, login, password)
            _make_member(statements, login, of=_ROLE_OF[login])
            statements.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), sql.Identifier(login))
            )
            if login in _ONLY_READ:
                setting = sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on")
                _in_turn(statements, setting.format(sql.Identifier(login)))


def set_logins(url: str, passwords: Mapping[Login, str]) -> None:
    """Do so for the database at the administrator's `url`, as SQLAlchemy writes it."""
    at = make_url(url)
    administrator = psycopg2.connect(
        host=at.host, port=at.port, user=at.username, password=at.password, dbname=at.database
    )
    with closing(administrator):
        administrator.autocommit = True
        with administrator.cursor() as statements:
            statements.execute(
                "SELECT datname, pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
            )
            [(database, owner)] = statements.fetchall()
        set_up_logins(administrator, database=database, owner=owner, passwords=passwords)


def set_password(statements: cursor, name: str, password: str) -> None:
    """Let the role log in with the password, and make it if there is none; the server and its log get a hash only."""
    make_role(statements, name)
    hashed = encrypt_password(password, name, statements.connection, "scram-sha-256")
    alter = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
    _in_turn(statements, alter.format(sql.Identifier(name), sql.Literal(hashed)))


def make_role(statements: cursor, name: str) -> None:
    """Make the role, without a login, unless there is one."""
    statements.execute("SELECT FROM pg_roles WHERE rolname = %s", (name,))
    if statements.fetchone() is not None:
        return
    with suppress(errors.DuplicateObject):
        _in_turn(statements, sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))


def derived_password(secret: str, name: str) -> str:
    """Return the password that belongs to the name, where one secret stands for all: no program can get from its own
    to another's."""
    return hmac.new(secret.encode(), name.encode(), hashlib.sha256).hexdigest()


def hand_over(administrator: connection, *, owner: str) -> None:
    """Make `owner` own what is the administrator's in the connection's database, and the database itself.

    The first versions of the embedded stack made everything as the cluster's superuser.
    """
    with administrator.cursor() as statements:
        statements.execute(
            "SELECT current_database(), pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        )
        database, present_owner = statements.fetchone() or ("", owner)
        if present_owner != owner:
            alter = sql.SQL("ALTER DATABASE {} OWNER TO {}")
            statements.execute(alter.format(sql.Identifier(database), sql.Identifier(owner)))
        statements.execute(_OWNED_HERE)
        for kind, name in statements.fetchall():
            statements.execute(
                sql.SQL("ALTER {} {} OWNER TO {}").format(sql.SQL(kind), sql.SQL(name), sql.Identifier(owner))
            )


# Sequences of a column and indexes follow their table; what an extension made stays its own.
_OWNED_HERE = """
SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, oid::regclass::text
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relowner = current_user::regrole AND relkind IN ('r', 'p', 'v', 'S')
  AND NOT EXISTS (
      SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid
      AND (deptype = 'e' OR relkind = 'S' AND deptype IN ('a', 'i'))
  )
UNION ALL
SELECT 'ROUTINE', oid::regprocedure::text FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND proowner = current_user::regrole
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e')
UNION ALL
SELECT 'TYPE', oid::regtype::text FROM pg_type
WHERE typnamespace = 'public'::regnamespace AND typowner = current_user::regrole AND typtype IN ('e', 'd')
"""


def _make_member(statements: cursor, name: str, *, of: str) -> None:
    statements.execute("SELECT pg_has_role(%s, %s, 'USAGE')", (name, of))
    if statements.fetchone() == (True,):
        return
    _in_turn(statements, sql.SQL("GRANT {} TO {}").format(sql.Identifier(of), sql.Identifier(name)))


def _in_turn(statements: cursor, statement: sql.Composed) -> None:
    """Run what changes the cluster's roles. Another of its databases may be set up at the same time: then it is run
    again, because Postgres fails whoever comes second, and has let the first one through by then."""
    for _ in range(_TURNS_MAX):
        try:
            statements.execute(statement)
            return
        except (errors.InternalError_, errors.UniqueViolation) as error:
            refused = error
    raise refused
