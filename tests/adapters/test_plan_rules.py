from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import uuid4

import pytest
from psycopg2.errors import CheckViolation, IntegrityConstraintViolation
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import IntegrityError

from psp_core.adapters.postgres.schema.migrate import migrate
from psp_core.adapters.postgres.store import PoolLimits, PostgresStore, open_store
from psp_core.bootstrap import Core
from psp_core.domain.intake.transactions import PaymentMethod
from psp_core.domain.kernel.calendar import BankCalendar
from psp_core.domain.kernel.closing import ClosingTime
from psp_core.domain.kernel.errors import PlanRulesOverlap
from psp_core.domain.kernel.money import Currency, Rounding
from psp_core.domain.kernel.paging import Page
from psp_core.domain.payables import Payable, PayableFilter
from psp_core.domain.pricing.fee_plans import ChangedTerms
from psp_core.domain.pricing.holidays import Holiday
from psp_core.domain.pricing.plan_rules import CONTRACT, InstallmentRange, PlanRule, Scope
from psp_core.domain.pricing.terms import Fee, FeeBasis, Roll, Schedule, Unit
from psp_local.postgres import EmbeddedPostgres
from tests.builders import NOON, SettableClock, a_new_transaction, a_rule, a_source, a_submission
from tests.reach import postgres as postgres_of

MINE = Scope(customer_id="merchant-1")
FULL = a_rule(
    scope=Scope("merchant-1", PaymentMethod.CREDIT_CARD, "visa", InstallmentRange(2, 6), Currency.BRL),
    fee=Fee(349, 39, 50, 9_000, Rounding.HALF_EVEN),
    schedule=Schedule(
        2,
        Unit.BUSINESS_DAYS,
        1,
        Unit.MONTHS,
        BankCalendar.BRAZIL,
        Roll.FOLLOWING,
        "America/Sao_Paulo",
        ClosingTime.parse("22:00"),
    ),
)


@pytest.fixture
def store(database_url: str) -> Iterator[PostgresStore]:
    store = open_store(database_url, limits=PoolLimits(size=1))
    yield store
    store.close()


def add(store: PostgresStore, *rules: PlanRule) -> None:
    with store.begin() as work:
        work.plan_rules.add(rules)


def drained(core: Core, *, installments: int = 1) -> list[Payable]:
    """Accept a sale of 10,000, drain it, and return its payables, first installment first."""
    core.accept_transactions([a_submission(a_new_transaction(amount_minor=10_000, installments=installments))])
    return drain(core)[-installments:]


def drain(core: Core) -> list[Payable]:
    core.keep_relaying().run_until_empty()
    core.drain_queue()
    found = core.read_merchant.payables("merchant-1", where=PayableFilter(), page=Page())
    return sorted(found, key=lambda payable: (payable.payment_at, payable.installment))


@contextmanager
def statements_of(core: Core) -> Iterator[list[str]]:
    """Collect what is asked of the database."""
    seen: list[str] = []

    def collect(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(postgres_of(core.create_payables.store).engine, "before_cursor_execute", collect)
    yield seen
    event.remove(postgres_of(core.create_payables.store).engine, "before_cursor_execute", collect)


class TestRules:
    def test_are_read_as_they_were_written(self, store: PostgresStore) -> None:
        ended = a_rule(scope=MINE, ends_at=NOON)
        add(store, FULL, ended)

        with store.begin() as work:
            found = work.plan_rules.of(["merchant-1"], at=NOON - timedelta(days=1)).rules

        def told(rule: PlanRule) -> tuple[object, ...]:
            return rule.id, rule.scope, rule.fee, rule.schedule, rule.begins_at, rule.ends_at, rule.created_at

        assert {told(rule) for rule in found} == {told(FULL), told(ended)}

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (Scope(), Scope()),
            (MINE, MINE),
            (Scope(card_brand="visa"), Scope(card_brand="visa")),
            (
                Scope("merchant-1", installments=InstallmentRange(1, 6)),
                Scope("merchant-1", installments=InstallmentRange(6, 24)),
            ),
        ],
    )
    def test_never_contradict_each_other(self, store: PostgresStore, one: Scope, other: Scope) -> None:
        add(store, a_rule(scope=one))

        with pytest.raises(PlanRulesOverlap):
            add(store, a_rule(scope=other, begins_at=NOON))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (Scope(), MINE),
            (MINE, Scope("merchant-1", installments=InstallmentRange(1, 24))),
            (MINE, Scope("merchant-1", card_brand="visa")),
            (
                Scope("merchant-1", installments=InstallmentRange(1, 6)),
                Scope("merchant-1", installments=InstallmentRange(7, 24)),
            ),
        ],
    )
    def test_stand_beside_each_other_where_one_is_more_specific(
        self, store: PostgresStore, one: Scope, other: Scope
    ) -> None:
        add(store, a_rule(scope=one), a_rule(scope=other))

    def test_follow_each_other(self, store: PostgresStore) -> None:
        first = a_rule(scope=MINE)
        add(store, first)
        with store.begin() as work:
            work.plan_rules.end([first.id], at=NOON, now=NOON)
            work.plan_rules.add([a_rule(scope=MINE, begins_at=NOON)])

    def test_are_taken_back_before_they_begin(self, store: PostgresStore) -> None:
        planned = a_rule(scope=MINE, begins_at=NOON + timedelta(days=9))
        add(store, planned)
        with store.begin() as work:
            work.plan_rules.end([planned.id], at=NOON, now=NOON)

        with store.begin() as work:
            assert work.plan_rules.of(["merchant-1"], at=NOON).rules == []

    def test_do_not_end_twice_in_the_past(self, store: PostgresStore) -> None:
        rule = a_rule(scope=MINE)
        add(store, rule)
        with store.begin() as work:
            work.plan_rules.end([rule.id], at=NOON, now=NOON)

        with pytest.raises(PlanRulesOverlap, match="meanwhile"), store.begin() as work:
            work.plan_rules.end([rule.id], at=NOON + timedelta(days=2), now=NOON + timedelta(days=1))

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE plan_rules SET fee_bps = 1",
            "UPDATE plan_rules SET valid = tstzrange(lower(valid) + interval '1 day', NULL)",
            "UPDATE plan_rules SET customer_id = 'merchant-2'",
            "UPDATE plan_rules SET valid = 'empty', ended_at = created_at + interval '1 day'",
            "DELETE FROM plan_rules",
        ],
    )
    def test_are_never_changed(self, store: PostgresStore, statement: str) -> None:
        add(store, a_rule(scope=MINE))

        with pytest.raises(IntegrityError) as refused, store.begin() as work:
            work.connection.exec_driver_sql(statement)

        assert isinstance(refused.value.orig, IntegrityConstraintViolation)

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE plan_rules SET valid = tstzrange(lower(valid), now() - interval '1 s'), ended_at = now()",
            "INSERT INTO plan_rules SELECT (jsonb_populate_record(plan_rules, jsonb_build_object("
            "'id', gen_random_uuid(), 'customer_id', 'other', 'created_at', lower(valid) + interval '1 ms'))).*"
            " FROM plan_rules",
            "INSERT INTO plan_rules SELECT (jsonb_populate_record(plan_rules, jsonb_build_object("
            "'id', gen_random_uuid(), 'customer_id', 'other', 'fee_fixed_minor', 1))).* FROM plan_rules",
        ],
        ids=["ends in the past", "begins in the past", "amounts in no currency"],
    )
    def test_are_held_by_the_tables_checks(self, store: PostgresStore, change: str) -> None:
        add(store, a_rule(scope=MINE))

        with pytest.raises(IntegrityError) as refused, store.begin() as work:
            work.connection.exec_driver_sql(change)

        assert isinstance(refused.value.orig, CheckViolation)


class TestADrain:
    def test_prices_by_the_rule_in_force_at_the_capture_whenever_it_runs(
        self, core: Core, store: PostgresStore, clock: SettableClock
    ) -> None:
        core.accept_transactions([a_submission(a_new_transaction(amount_minor=10_000))])
        clock.advance(minutes=1)
        rule = a_rule(scope=MINE, fee=Fee(100), begins_at=clock.now())
        add(store, rule)
        core.accept_transactions([a_submission(a_new_transaction(amount_minor=10_000))])

        before, after = drain(core)

        assert (before.fee.minor, before.plan_id) == (500, CONTRACT[PaymentMethod.CREDIT_CARD].id)
        assert (after.fee.minor, after.plan_id) == (100, rule.id)

    def test_splits_the_fee_of_the_whole(self, core: Core) -> None:
        assert [payable.fee.minor for payable in drained(core, installments=3)] == [167, 167, 166]

    def test_makes_up_to_24_installments(self, core: Core) -> None:
        payables = drained(core, installments=24)

        assert [payable.installment for payable in payables] == list(range(1, 25))
        assert sum(payable.fee.minor for payable in payables) == 500

    def test_pays_when_the_rule_says(self, core: Core, store: PostgresStore) -> None:
        add(store, a_rule(scope=MINE, schedule=FULL.schedule))
        with store.begin() as work:
            work.holidays.add(Holiday(BankCalendar.BRAZIL, date(2026, 3, 12), "a flood", NOON))

        first, second = drained(core, installments=2)

        assert (first.due_on, second.due_on) == (date(2026, 3, 13), date(2026, 4, 14))
        assert first.payment_at.isoformat() == "2026-03-13T03:00:00+00:00"

    def test_asks_once_for_everything_that_decides_a_price(self, core: Core, store: PostgresStore) -> None:
        add(store, a_rule(), a_rule(scope=MINE))
        core.accept_transactions(
            [a_submission(a_new_transaction(customer_id=f"merchant-{number}")) for number in range(20)]
        )
        core.keep_relaying().run_until_empty()

        with statements_of(core) as seen:
            core.drain_queue()

        assert len([statement for statement in seen if "plan_rules" in statement]) == 1
        assert not any("FROM fee_plans" in statement for statement in seen)

    def test_reads_no_other_merchants_rules(self, core: Core, store: PostgresStore) -> None:
        own, everybodys = a_rule(scope=MINE), a_rule()
        past = a_rule(scope=MINE, begins_at=NOON - timedelta(days=300), ends_at=NOON - timedelta(days=200))
        add(store, own, everybodys, past, *(a_rule(scope=Scope(f"other-{number}")) for number in range(30)))

        with store.begin() as work:
            book = work.plan_rules.pricing([a_source()])

        assert {rule.id for rule in book.rules} == {own.id, everybodys.id}


class TestAFeePlan:
    def test_is_a_rule_for_each_kind_of_card(self, core: Core) -> None:
        change(core, credit_fee_bps=100, debit_fee_bps=50)

        [payable] = drained(core)

        assert (payable.fee.minor, payable.due_on) == (100, date(2026, 3, 11))
        assert payable.plan_id not in (None, CONTRACT[PaymentMethod.CREDIT_CARD].id)

    def test_ends_the_one_before(self, core: Core, clock: SettableClock, store: PostgresStore) -> None:
        change(core, credit_fee_bps=100)
        clock.advance(minutes=1)
        change(core, credit_fee_bps=200)

        [payable] = drained(core)

        assert payable.fee.minor == 200
        with store.begin() as work:
            assert len(work.plan_rules.of(["merchant-1"], at=clock.now()).rules) == 2

    def test_holds_until_what_a_file_has_planned(self, core: Core, store: PostgresStore, clock: SettableClock) -> None:
        planned = a_rule(scope=Scope("merchant-1", PaymentMethod.CREDIT_CARD), begins_at=NOON + timedelta(days=5))
        add(store, replace(planned, created_at=NOON))
        change(core, credit_fee_bps=100)
        core.accept_transactions([a_submission(a_new_transaction(amount_minor=10_000))])
        clock.advance(days=5)
        core.accept_transactions([a_submission(a_new_transaction(amount_minor=10_000))])

        assert [payable.fee.minor for payable in drain(core)] == [100, 500]

    def test_of_a_clock_that_is_behind_holds_until_the_newest_one(self, core: Core, clock: SettableClock) -> None:
        change(core, credit_fee_bps=100)
        clock.advance(minutes=2)
        change(core, credit_fee_bps=200)
        clock.advance(minutes=-1)
        change(core, credit_fee_bps=300)
        core.accept_transactions([a_submission(a_new_transaction(amount_minor=10_000))])
        clock.advance(minutes=1)
        core.accept_transactions([a_submission(a_new_transaction(amount_minor=10_000))])

        assert [payable.fee.minor for payable in drain(core)] == [300, 200]


def change(core: Core, *, credit_fee_bps: int, debit_fee_bps: int = 0) -> None:
    terms = ChangedTerms(credit_fee_bps=credit_fee_bps, debit_fee_bps=debit_fee_bps, credit_delay_days=1)
    core.change_fee_plan("merchant-1", terms=terms, may_be_new=True)


class TestAMerchantsRead:
    def test_sees_its_own_rules_and_those_for_all(self, store: PostgresStore) -> None:
        own, everybodys, others = a_rule(scope=MINE), a_rule(), a_rule(scope=Scope("merchant-2"))
        add(store, own, everybodys, others)

        with store.read_as("merchant-1") as work:
            seen = work.connection.exec_driver_sql("SELECT id FROM plan_rules").scalars().all()

        assert set(seen) == {own.id, everybodys.id}


class TestTheMigration:
    """On a database that the program of before has filled."""

    def test_keeps_what_was_sold_before_at_its_price(self, old_database: str) -> None:
        with connected(old_database) as connection:
            connection.exec_driver_sql(
                "INSERT INTO transactions VALUES (gen_random_uuid(), 'm', 'pending_payment', 100, 'BRL', 'credit_card',"
                " 1, '', NULL, 'Luke', '2030-01-01', '1111', 'visa', now(), now())"
            )
            for age, bps in (("9 days", 100), ("5 days", 200)):
                connection.exec_driver_sql(
                    "INSERT INTO fee_plans VALUES ('m', date_trunc('milliseconds', now() - %s::interval), %s, 30, 7,"
                    " 'brazil')",
                    (age, bps),
                )
        migrate(old_database)

        store = open_store(old_database, limits=PoolLimits(size=1))
        with store.begin() as work:
            now = work.connection.exec_driver_sql("SELECT now()").scalar_one()
            rules = work.plan_rules.of([None, "m"], at=now - timedelta(days=6)).rules
        store.close()

        def told(rule: PlanRule, method: PaymentMethod) -> tuple[object, ...]:
            assert rule.scope.payment_method is method
            return rule.scope.customer_id, rule.fee.bps, rule.fee.basis, rule.ends_at is None

        credit = sorted(
            (rule for rule in rules if rule.scope.payment_method is PaymentMethod.CREDIT_CARD),
            key=lambda rule: (rule.scope.customer_id or "", rule.begins_at),
        )
        assert [told(rule, PaymentMethod.CREDIT_CARD) for rule in credit] == [
            (None, 500, FeeBasis.INSTALLMENT, False),
            ("m", 100, FeeBasis.INSTALLMENT, False),
            ("m", 200, FeeBasis.INSTALLMENT, False),
            ("m", 200, FeeBasis.WHOLE, True),
        ]
        assert [one.ends_at for one in credit[1:3]] == [other.begins_at for other in credit[2:]]
        assert credit[0].ends_at == credit[3].begins_at <= now
        assert {(rule.schedule.delay, rule.schedule.step, rule.schedule.calendar) for rule in credit[1:]} == {
            (7, 7, BankCalendar.BRAZIL)
        }
        assert {rule.fee.bps for rule in rules if rule.scope.payment_method is PaymentMethod.DEBIT_CARD} == {300, 30}

    def test_has_no_price_of_before_where_nothing_was_sold(self, old_database: str) -> None:
        with connected(old_database) as connection:
            connection.exec_driver_sql(
                "INSERT INTO fee_plans VALUES ('m', now() - interval '5 days', 200, 30, 7, 'every_day')"
            )

        migrate(old_database)

        with connected(old_database) as connection:
            found = connection.exec_driver_sql("SELECT DISTINCT customer_id, fee_basis FROM plan_rules").all()
        assert found == [("m", "whole")]

    def test_takes_24_installments_and_goes_on_after_it_was_killed(self, old_database: str) -> None:
        with connected(old_database) as connection:
            connection.exec_driver_sql(
                "ALTER TABLE transactions ADD CONSTRAINT transactions_installments_check_successor"
                " CHECK (installments BETWEEN 1 AND 24) NOT VALID"
            )

        migrate(old_database)

        with connected(old_database) as connection:
            found = connection.exec_driver_sql(
                "SELECT conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE conname LIKE 'transactions_installments%%check%%'"
            ).all()
        assert found == [
            ("transactions_installments_check", True, "CHECK (((installments >= 1) AND (installments <= 24)))")
        ]


@pytest.fixture
def old_database(postgres: EmbeddedPostgres) -> str:
    name = f"before_{uuid4().hex[:12]}"
    postgres.create_database(name)
    migrate(postgres.url(name), revision="0009")
    return postgres.url(name)


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_the_contracts_rules_are_older_than_any_sale() -> None:
    assert all(rule.begins_at == datetime.fromisoformat("1970-01-01T00:00:00Z") for rule in CONTRACT.values())
