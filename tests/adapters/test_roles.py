"""What each program's login may do, and what it may not: docs/decisions/013-a-login-for-each-program.md."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from psycopg2 import errors
from psycopg2.extensions import connection

from psp_core.adapters.postgres.schema.logins import ROLES, Login
from psp_core.adapters.postgres.schema.tables import metadata
from psp_core.adapters.postgres.settlement import settlements
from psp_core.bootstrap import Core
from psp_core.domain.pricing.fee_plans import ChangedTerms
from psp_core.usecases.operations.record_operator_action import RecordOperatorAction
from tests.adapters.rights import FORBIDDEN, FORBIDDEN_TO_ALL, GRANTS, PROGRAMS, WRITABLE
from tests.builders import a_new_transaction, a_submission
from tests.logins import connect, url_of


@pytest.fixture
def url(core: Core) -> str:
    """A database in which there is something of everything; one of the settlements is closed."""
    for customer_id in ("merchant-1", "merchant-2"):
        core.accept_transactions([a_submission(a_new_transaction(customer_id=customer_id))])
    core.change_fee_plan(
        "merchant-3", terms=ChangedTerms(credit_fee_bps=500, debit_fee_bps=300, credit_delay_days=0), may_be_new=True
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
                ("psp_login_webserver", "psp_webserver"),
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
            assert [
                record.run_id for record in work.operator_actions.newest(limit=2, action=None, since=None, before=None)
            ] == ["2", "1"]
            assert work.settlements.settled(core.clock.now().date())


class TestForcedSecurity:
    @pytest.mark.parametrize("statement", [settlements._DUE, settlements._SETTLE_CHUNK, settlements._UNSETTLED_DATES])
    def test_changes_no_plan_of_a_run(self, statement: str, url: str) -> None:
        values = {
            "due_on": date(2026, 1, 1),
            "until": date(2026, 1, 1),
            "merchants": None,
            "control_before": datetime(2026, 1, 1, tzinfo=UTC),
            "now": datetime(2026, 1, 1, tzinfo=UTC),
            "after_customer": "",
            "after_id": "00000000-0000-0000-0000-000000000000",
            "limit": 1_000,
        }

        def plan(address: str) -> list[object]:
            with connect(address) as session, session.cursor() as cursor:
                cursor.execute(f"EXPLAIN {statement}", values)
                found = [line for (line,) in cursor.fetchall()]
            session.close()
            return found

        assert plan(url_of(Login.RUNS, url)) == plan(url)

    def test_binds_an_owner_that_is_no_superuser(self, url: str, owner: connection) -> None:
        with owner.cursor() as cursor:
            cursor.execute("CREATE ROLE psp_test_owner NOLOGIN")
            cursor.execute("ALTER TABLE payables OWNER TO psp_test_owner")
            cursor.execute("SET LOCAL ROLE psp_test_owner")
            cursor.execute("SELECT FROM payables")

            assert cursor.fetchall() == []
        owner.rollback()
