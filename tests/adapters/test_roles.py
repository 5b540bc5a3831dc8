"""What each program's login may do, and what it may not: docs/decisions/013-a-login-for-each-program.md."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg2 import errors
from psycopg2.extensions import connection

from psp_core.adapters.postgres.logins import ROLES, Login
from psp_core.adapters.postgres.tables import metadata
from psp_core.bootstrap import Core
from psp_core.domain.calendar import BankCalendar
from psp_core.usecases.operations.record_operator_action import RecordOperatorAction
from tests.builders import a_new_transaction, a_submission
from tests.logins import connect, url_of

PROGRAMS = [Login.API, Login.READS, Login.RELAY, Login.RUNS, Login.OPERATOR, Login.SUPPORT]
# What a login may turn off by itself is no protection.
WRITABLE = ("SET default_transaction_read_only = off", "COMMIT")

# The rights of the whole platform, a table each: by role, the whole table's and then those to single columns.
GRANTS: dict[str, dict[str, str]] = {
    "transactions": {
        "psp_merchant": "SELECT",
        "psp_api": "INSERT",
        "psp_runs": "SELECT, UPDATE (status, updated_at)",
        "psp_support": "SELECT",
    },
    "payables": {
        "psp_merchant": "SELECT",
        "psp_runs": "INSERT, SELECT, UPDATE (paid_at, settlement_id, status, updated_at)",
        "psp_support": "SELECT",
    },
    "settlements": {
        "psp_merchant": "SELECT",
        "psp_runs": "INSERT, SELECT, UPDATE (closed_at, fee_minor, gross_minor, net_minor, payable_count, status)",
        "psp_support": "SELECT",
    },
    "outbox": {
        "psp_api": "INSERT, SELECT (created_at, id)",
        "psp_relay": "DELETE, SELECT, UPDATE (id)",
        "psp_runs": "INSERT, SELECT (created_at, id)",
        "psp_support": "SELECT",
    },
    "idempotency_keys": {
        "psp_api": "INSERT, SELECT",
        "psp_runs": "DELETE, SELECT (created_at, ctid)",
        "psp_support": "SELECT (created_at, customer_id, key)",
    },
    "fee_plans": {"psp_runs": "SELECT", "psp_operator": "INSERT", "psp_support": "SELECT"},
    "api_keys": {
        "psp_api": "SELECT, UPDATE (last_used_at)",
        "psp_operator": "INSERT, SELECT, UPDATE (expires_at, revoked_at)",
        "psp_support": "SELECT (created_at, customer_id, expires_at, id, last_used_at, mode, revoked_at, scopes)",
    },
    "operator_actions": {"psp_runs": "INSERT, SELECT", "psp_support": "SELECT"},
    "operator_action_outcomes": {"psp_runs": "INSERT, SELECT", "psp_support": "SELECT"},
    "leases": {"psp_runs": "DELETE, INSERT, SELECT, UPDATE", "psp_support": "SELECT"},
    "settlement_reports": {"psp_runs": "INSERT, SELECT, UPDATE", "psp_support": "SELECT"},
    "platform_settings": {"psp_api": "SELECT", "psp_relay": "SELECT", "psp_runs": "SELECT", "psp_support": "SELECT"},
    "alembic_version": {"psp_api": "SELECT", "psp_runs": "SELECT", "psp_support": "SELECT"},
}

# Nobody but the owner may do any of these. The merchant's reads may not either, whatever an injection adds to them.
FORBIDDEN_TO_ALL = {
    "sees a key's secret, and changes it": "UPDATE api_keys SET token_hmac = token_hmac",
    "deletes transactions": "DELETE FROM transactions",
    "deletes payables": "DELETE FROM payables",
    "deletes settlements": "DELETE FROM settlements",
    "changes an amount": "UPDATE payables SET amount_minor = 1, fee_minor = 0, receivable_minor = 1",
    "changes whose money it is": "UPDATE payables SET customer_id = 'mallory'",
    "changes when it is due": "UPDATE payables SET due_on = '2020-01-01'",
    "changes a transaction's amount": "UPDATE transactions SET amount_minor = 1",
    "changes an audit record": "UPDATE operator_actions SET reason = 'none'",
    "deletes audit records": "DELETE FROM operator_actions",
    "empties the audit": "TRUNCATE operator_actions",
    "empties the settlements": "TRUNCATE settlements",
    "changes terms": "UPDATE fee_plans SET credit_fee_bps = 0",
    "deletes terms": "DELETE FROM fee_plans",
    "disables triggers of its session": "SET session_replication_role = replica",
    "disables triggers of a table": "ALTER TABLE settlements DISABLE TRIGGER ALL",
    "drops a trigger": "DROP TRIGGER operator_actions_are_append_only ON operator_actions",
    "replaces the triggers' function": "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql"
    " AS 'BEGIN RETURN NULL; END'",
    "ends row-level security": "ALTER TABLE payables DISABLE ROW LEVEL SECURITY",
    "no longer forces it": "ALTER TABLE payables NO FORCE ROW LEVEL SECURITY",
    "drops a policy": "DROP POLICY payables_of_the_merchant ON payables",
    "makes a policy": "CREATE POLICY mine ON payables USING (true)",
    "makes a table in public": "CREATE TABLE public.mine (id int)",
    "makes a function in public": "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "makes a temporary table": "CREATE TEMPORARY TABLE mine (id int)",
    "makes a schema": "CREATE SCHEMA mine",
    "makes a role": "CREATE ROLE mine",
    "makes a database": "CREATE DATABASE mine",
    "becomes the owner": "SET ROLE psp",
    "logs in as the owner": "SET SESSION AUTHORIZATION psp",
    "gives itself a role": "GRANT psp_runs TO psp_login_api",
    "changes a table": "ALTER TABLE payables ADD COLUMN mine int",
    "drops a table": "DROP TABLE outbox",
    "reads a file of the server": "SELECT pg_read_file('PG_VERSION')",
    "runs a program on the server": "COPY outbox TO PROGRAM 'true'",
    "reads password hashes": "SELECT rolpassword FROM pg_authid",
    "changes the schema's version": "UPDATE alembic_version SET version_num = '0001'",
    "changes an answer": "UPDATE idempotency_keys SET answer = ''",
}

INSERTS_A_TRANSACTION = (
    "INSERT INTO transactions SELECT gen_random_uuid(), 'mallory', '{status}', 100, 'BRL', '{method}', 1, '', NULL,"
    " 'Luke', '2030-01-01', '1111', 'visa', now(), now()"
)
PAYS = "UPDATE payables SET status = 'paid', paid_at = now()"
READS_KEYS = "SELECT token_hmac FROM api_keys"
ADDS_A_KEY = "INSERT INTO api_keys (id) VALUES ('x')"
REVOKES = "UPDATE api_keys SET revoked_at = now()"
UNDOES = "UPDATE payables SET status = 'waiting_funds', paid_at = NULL, settlement_id = NULL"

# What one of the others may do, and these not.
FORBIDDEN = [
    *((login, PAYS) for login in (Login.API, Login.READS, Login.RELAY, Login.SUPPORT)),
    *((login, READS_KEYS) for login in (Login.READS, Login.RELAY, Login.RUNS, Login.SUPPORT)),
    *((login, ADDS_A_KEY) for login in (Login.API, Login.READS, Login.RELAY, Login.RUNS, Login.SUPPORT)),
    *((login, REVOKES) for login in (Login.API, Login.READS, Login.RELAY, Login.RUNS, Login.SUPPORT)),
    *((login, UNDOES) for login in PROGRAMS),
    *(
        (login, INSERTS_A_TRANSACTION.format(status="pending_payment", method="credit_card"))
        for login in (Login.READS, Login.RELAY, Login.RUNS, Login.OPERATOR, Login.SUPPORT)
    ),
    (Login.API, INSERTS_A_TRANSACTION.format(status="paid", method="credit_card")),
    (Login.API, "UPDATE settlements SET net_minor = 0, fee_minor = gross_minor"),
    (Login.API, "INSERT INTO operator_actions (id) VALUES (gen_random_uuid())"),
    (Login.API, "SELECT reason FROM operator_actions"),
    (Login.API, "INSERT INTO fee_plans (customer_id) VALUES ('mallory')"),
    (Login.API, "INSERT INTO payables (id) VALUES (gen_random_uuid())"),
    (Login.API, "SELECT FROM transactions"),
    (Login.API, "SELECT customer_id FROM payables"),
    (Login.API, "SELECT customer_id FROM settlements"),
    (Login.API, "SET ROLE psp_merchant"),
    (Login.API, "SET ROLE psp_runs"),
    (Login.API, "DELETE FROM outbox"),
    (Login.API, "SELECT transaction_ids FROM outbox"),
    (Login.READS, "SET ROLE psp_api"),
    (Login.READS, "SET ROLE psp_runs"),
    (Login.READS, "SELECT answer FROM idempotency_keys"),
    (Login.READS, "SELECT transaction_ids FROM outbox"),
    (Login.RELAY, "SELECT FROM transactions"),
    (Login.RELAY, "INSERT INTO outbox (created_at) VALUES (now())"),
    (Login.RELAY, "UPDATE outbox SET transaction_ids = '{}'"),
    (Login.RUNS, "SET ROLE psp_operator"),
    (Login.RUNS, "INSERT INTO fee_plans (customer_id) VALUES ('mallory')"),
    (Login.RUNS, "SELECT answer FROM idempotency_keys"),
    (Login.RUNS, "UPDATE transactions SET status = 'pending_payment'"),
    (Login.OPERATOR, "SELECT answer FROM idempotency_keys"),
    (Login.SUPPORT, "SELECT answer FROM idempotency_keys"),
    (Login.SUPPORT, "INSERT INTO operator_actions (id) VALUES (gen_random_uuid())"),
]


@pytest.fixture
def url(core: Core) -> str:
    """A database in which there is something of everything; one of the settlements is closed."""
    for customer_id in ("merchant-1", "merchant-2"):
        core.accept_transactions([a_submission(a_new_transaction(customer_id=customer_id))])
    core.change_fee_plan(
        "merchant-3", credit_fee_bps=500, debit_fee_bps=300, credit_delay_days=0, calendar=BankCalendar.EVERY_DAY
    )
    core.accept_transactions([a_submission(a_new_transaction(customer_id="merchant-3"))])
    core.keep_relaying().run_until_empty()
    core.drain_queue()
    core.settle_payables(due_on=core.clock.now().date())
    core.accept_transactions([a_submission(a_new_transaction(customer_id="merchant-1"))])
    core.record_operator_action("settle", reason="a test", run_id="1", details={})
    return core.settings.database_url.get_secret_value()


@pytest.fixture
def owner(url: str) -> Iterator[connection]:
    with connect(url) as owner:
        yield owner
    owner.close()


def attempt(login: Login, url: str, *statements: str) -> list[tuple[object, ...]]:
    """Run the statements with the login, return the last one's rows, and undo all."""
    session = connect(url_of(login, url))
    try:
        with session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        session.close()


class TestGrants:
    def test_name_every_table(self) -> None:
        assert set(GRANTS) == {*metadata.tables, "alembic_version"}

    def test_are_these_and_no_others(self, owner: connection) -> None:
        with owner.cursor() as cursor:
            cursor.execute(
                "SELECT relname, grantee::regrole::text, privilege_type, NULL FROM pg_class, aclexplode(relacl)"
                " WHERE relnamespace = 'public'::regnamespace AND grantee <> relowner AND relkind <> 'i'"
                " AND relname NOT LIKE 'pg_stat%'"
                " UNION ALL SELECT relname, grantee::regrole::text, privilege_type, attname FROM pg_class"
                " JOIN pg_attribute ON attrelid = pg_class.oid, aclexplode(attacl)"
                " WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 2, 3, 4"
            )
            found: dict[tuple[str, str], dict[str, list[str]]] = {}
            for table, role, privilege, column in cursor.fetchall():
                found.setdefault((table, role), {}).setdefault(privilege, []).extend([column] if column else [])

        assert {
            key: ", ".join(f"{name} ({', '.join(columns)})" if columns else name for name, columns in rights.items())
            for key, rights in found.items()
        } == {(table, role): rights for table, by_role in GRANTS.items() for role, rights in by_role.items()}

    def test_make_nobody_an_owner_or_powerful(self, owner: connection) -> None:
        with owner.cursor() as cursor:
            cursor.execute(
                "SELECT rolname FROM pg_roles WHERE (rolname = ANY(%s) OR rolname = ANY(%s)) AND (rolsuper"
                " OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication"
                " OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid)"
                " OR EXISTS (SELECT FROM pg_proc WHERE proowner = pg_roles.oid)"
                " OR EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid AND admin_option)"
                " OR rolcanlogin AND rolname = ANY(%s))",
                (list(ROLES), list(Login), list(ROLES)),
            )

            assert cursor.fetchall() == []

    def test_let_each_login_into_its_role_alone(self, owner: connection) -> None:
        with owner.cursor() as cursor:
            cursor.execute(
                "SELECT member::regrole::text, roleid::regrole::text FROM pg_auth_members"
                " WHERE member::regrole::text LIKE 'psp%' AND member <> 'psp'::regrole"
            )

            assert set(cursor.fetchall()) == {
                ("psp_operator", "psp_runs"),
                ("psp_login_api", "psp_api"),
                ("psp_login_reads", "psp_merchant"),
                ("psp_login_relay", "psp_relay"),
                ("psp_login_runs", "psp_runs"),
                ("psp_login_operator", "psp_operator"),
                ("psp_login_support", "psp_support"),
            }


class TestEachLogin:
    @pytest.mark.parametrize("login", PROGRAMS)
    def test_cannot_do_what_is_the_owners(self, login: Login, url: str, subtests: pytest.Subtests) -> None:
        for title, statement in FORBIDDEN_TO_ALL.items():
            with subtests.test(title), pytest.raises(errors.InsufficientPrivilege):
                attempt(login, url, *WRITABLE, statement)

    def test_cannot_do_what_is_anothers(self, url: str, subtests: pytest.Subtests) -> None:
        for login, statement in FORBIDDEN:
            with subtests.test(f"{login}: {statement}"), pytest.raises(errors.InsufficientPrivilege):
                attempt(login, url, *WRITABLE, statement)

    @pytest.mark.parametrize("login", PROGRAMS)
    def test_passes_no_right_on(self, login: Login, url: str) -> None:
        grant = (
            "DO $$ BEGIN GRANT ALL ON api_keys, outbox, payables TO PUBLIC;"
            " EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"
        )
        rights = "SELECT relname, relacl FROM pg_class WHERE relname IN ('api_keys', 'outbox', 'payables') ORDER BY 1"

        assert attempt(login, url, *WRITABLE, grant, rights) == attempt(login, url, rights)

    @pytest.mark.parametrize("login", [Login.RUNS, Login.OPERATOR])
    def test_cannot_change_what_is_closed(self, login: Login, url: str) -> None:
        with pytest.raises(errors.IntegrityConstraintViolation, match="immutable"):
            attempt(login, url, "UPDATE settlements SET net_minor = 0, fee_minor = gross_minor WHERE status = 'closed'")

    @pytest.mark.parametrize("login", [Login.READS, Login.SUPPORT])
    def test_begins_as_one_that_writes_nothing(self, login: Login, url: str) -> None:
        assert attempt(login, url, "SHOW transaction_read_only") == [("on",)]


class TestTheMerchantsReads:
    @pytest.mark.parametrize("escape", ["RESET ROLE", "SET ROLE NONE", "RESET SESSION AUTHORIZATION"])
    def test_see_nothing_more_outside_the_role(self, escape: str, core: Core, url: str) -> None:
        with core.read_merchant.store.read_as("merchant-1") as work:
            work.connection.exec_driver_sql(escape)  # type: ignore[attr-defined]
            rows = work.connection.exec_driver_sql("SELECT DISTINCT customer_id FROM payables")  # type: ignore[attr-defined]

            assert rows.scalars().all() == ["merchant-1"]

    def test_see_nothing_without_a_merchant(self, url: str) -> None:
        for table in ("transactions", "payables", "settlements"):
            assert attempt(Login.READS, url, f"SELECT FROM {table}") == []


class TestTheOperator:
    def test_leaves_a_record_and_sees_what_was_settled(self, core: Core, url: str) -> None:
        operator = core.change_fee_plan.store

        RecordOperatorAction(operator, core.clock, core.ids)("settle", reason="by hand", run_id="2", details={})

        with operator.begin() as work:
            assert [record.run_id for record in work.operator_actions.newest(limit=2)] == ["2", "1"]
            assert work.settlements.settled(core.clock.now().date())


class TestForcedSecurity:
    def test_binds_an_owner_that_is_no_superuser(self, url: str, owner: connection) -> None:
        with owner.cursor() as cursor:
            cursor.execute("CREATE ROLE psp_test_owner NOLOGIN")
            cursor.execute("ALTER TABLE payables OWNER TO psp_test_owner")
            cursor.execute("SET LOCAL ROLE psp_test_owner")
            cursor.execute("SELECT FROM payables")

            assert cursor.fetchall() == []
        owner.rollback()
