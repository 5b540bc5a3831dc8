"""The rights of each program, and what nobody may do; the migrations grant them, and test_roles.py compares."""

from __future__ import annotations

from psp_core.adapters.postgres.schema.logins import Login

PROGRAMS = [Login.API, Login.READS, Login.RELAY, Login.RUNS, Login.OPERATOR, Login.SUPPORT, Login.WEBSERVER]
# What a login may turn off by itself is no protection.
WRITABLE = ("SET default_transaction_read_only = off", "COMMIT")

# The rights of the whole platform, a table each: by role, the whole table's and then those to single columns.
GRANTS: dict[str, dict[str, str]] = {
    "transactions": {
        "psp_merchant": "SELECT",
        "psp_api": "INSERT, SELECT (amount_minor, currency, customer_id, id, installments)",
        "psp_runs": "SELECT, UPDATE (status, updated_at)",
        "psp_support": "SELECT",
    },
    "payables": {
        "psp_merchant": "SELECT",
        "psp_api": "INSERT, SELECT",
        "psp_runs": "INSERT, SELECT, UPDATE (paid_at, settlement_id, status, updated_at)",
        "psp_operator": "UPDATE (due_on, original_due_on, payment_at)",
        "psp_support": "SELECT",
    },
    "settlements": {
        "psp_merchant": "SELECT",
        "psp_runs": "INSERT, SELECT, UPDATE (available_count, available_fee_minor, available_gross_minor,"
        " available_net_minor, carried_minor, closed_at, entry_id, fee_minor, from_available_minor, from_reserve_minor,"
        " gross_minor, net_minor, payable_count, recovered_minor, reserve_withheld_minor, status,"
        " to_available_minor)",
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
    "plan_rules": {
        "psp_merchant": "SELECT (calendar, card_brand, closes_at, created_at, currency, customer_id, delay, delay_unit,"
        " fee_basis, fee_bps, fee_fixed_minor, fee_max_minor, fee_min_minor, id, installments, paid_from,"
        " payment_method, refund_fee, roll, rounding, step, step_unit, valid, zone)",
        "psp_api": "SELECT (calendar, customer_id, id, refund_fee)",
        "psp_runs": "SELECT",
        "psp_operator": "INSERT, UPDATE (ended_at, valid)",
        "psp_support": "SELECT",
    },
    "holidays": {
        "psp_merchant": "SELECT (calendar, day)",
        "psp_api": "SELECT (calendar, day)",
        "psp_runs": "SELECT",
        "psp_operator": "INSERT",
        "psp_support": "SELECT",
    },
    "merchant_terms": {
        "psp_api": "SELECT",
        "psp_runs": "SELECT",
        "psp_operator": "INSERT, UPDATE (negative_limit_minor, reserve_bps, reserve_days, updated_at)",
        "psp_support": "SELECT",
    },
    "refunds": {
        "psp_merchant": "SELECT",
        "psp_api": "INSERT, SELECT",
        "psp_runs": "INSERT, SELECT, UPDATE (failed_entry_id, failure_reason, status, updated_at)",
        "psp_support": "SELECT",
    },
    "reserve_lots": {"psp_runs": "INSERT, SELECT, UPDATE (left_minor)", "psp_support": "SELECT"},
    "write_offs": {
        "psp_runs": "INSERT, SELECT, UPDATE (entry_id, released_at, released_by)",
        "psp_support": "SELECT",
    },
    "returned_amounts": {
        "psp_api": "INSERT, SELECT, UPDATE (refunded_minor)",
        "psp_runs": "INSERT, SELECT, UPDATE (refunded_minor)",
        "psp_support": "SELECT",
    },
    "api_keys": {
        "psp_api": "SELECT, UPDATE (last_used_at)",
        "psp_operator": "INSERT, SELECT, UPDATE (expires_at, revoked_at)",
        "psp_support": "SELECT (created_at, customer_id, expires_at, id, last_used_at, mode, revoked_at, scopes)",
    },
    "operator_actions": {
        "psp_runs": "INSERT, SELECT",
        "psp_support": "SELECT",
        "psp_webserver": "INSERT, SELECT (action, run_id)",
    },
    "operator_action_outcomes": {"psp_runs": "INSERT, SELECT", "psp_support": "SELECT", "psp_webserver": "INSERT"},
    "leases": {"psp_runs": "DELETE, INSERT, SELECT, UPDATE", "psp_support": "SELECT"},
    "settlement_reports": {"psp_runs": "INSERT, SELECT, UPDATE", "psp_support": "SELECT"},
    "platform_settings": {"psp_api": "SELECT", "psp_relay": "SELECT", "psp_runs": "SELECT", "psp_support": "SELECT"},
    "ledger_entries": {"psp_api": "INSERT", "psp_runs": "INSERT, SELECT", "psp_support": "SELECT"},
    "ledger_postings": {"psp_api": "INSERT", "psp_runs": "INSERT, SELECT", "psp_support": "SELECT"},
    "ledger_days": {"psp_runs": "INSERT, SELECT", "psp_support": "SELECT"},
    "ledger_sealed_balances": {"psp_runs": "INSERT, SELECT", "psp_support": "SELECT"},
    "ledger_balances": {
        "psp_merchant": "SELECT",
        "psp_api": "INSERT, SELECT, UPDATE (available_minor, debt_minor, debt_since, in_transit_minor,"
        " pending_minor,"
        " reserve_minor, settling_minor)",
        "psp_runs": "INSERT, SELECT, UPDATE (available_minor, debt_minor, debt_since, in_transit_minor,"
        " pending_minor,"
        " reserve_minor, settling_minor)",
        "psp_support": "SELECT",
    },
    "ledger_state": {
        "psp_merchant": "SELECT",
        "psp_api": "SELECT",
        "psp_runs": "INSERT, SELECT, UPDATE (closed_until, opened_until, opening_ended_at)",
        "psp_support": "SELECT",
    },
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
    "changes a transaction's amount": "UPDATE transactions SET amount_minor = 1",
    "changes an audit record": "UPDATE operator_actions SET reason = 'none'",
    "deletes audit records": "DELETE FROM operator_actions",
    "empties the audit": "TRUNCATE operator_actions",
    "changes an entry": "UPDATE ledger_entries SET kind = 'capture'",
    "changes a posting": "UPDATE ledger_postings SET amount_minor = 1",
    "deletes entries": "DELETE FROM ledger_entries",
    "deletes postings": "DELETE FROM ledger_postings",
    "deletes balances": "DELETE FROM ledger_balances",
    "deletes refunds": "DELETE FROM refunds",
    "changes what was refunded": "UPDATE refunds SET amount_minor = 1",
    "deletes write-offs": "DELETE FROM write_offs",
    "changes who asked for a write-off": "UPDATE write_offs SET requested_by = 'mallory'",
    "deletes reserves": "DELETE FROM reserve_lots",
    "changes when a reserve is released": "UPDATE reserve_lots SET release_on = '2020-01-01'",
    "changes what was captured": "UPDATE returned_amounts SET captured_minor = 1",
    "changes where a payable comes from": "UPDATE payables SET source_id = NULL",
    "changes whose balance it is": "UPDATE ledger_balances SET customer_id = 'mallory'",
    "changes a sealed day": "UPDATE ledger_days SET hash = previous_hash",
    "deletes sealed days": "DELETE FROM ledger_days",
    "changes a sealed balance": "UPDATE ledger_sealed_balances SET available_minor = 1",
    "changes which entry booked a payable": "UPDATE payables SET entry_id = NULL",
    "changes which entry opened a settlement": "UPDATE settlements SET opened_entry_id = id",
    "empties the ledger": "TRUNCATE ledger_postings",
    "empties the settlements": "TRUNCATE settlements",
    "changes terms": "UPDATE fee_plans SET credit_fee_bps = 0",
    "changes a rule": "UPDATE plan_rules SET fee_bps = 0",
    "deletes rules": "DELETE FROM plan_rules",
    "opens a closed day": "DELETE FROM holidays",
    "changes a holiday": "UPDATE holidays SET reason = 'none'",
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
MOVES = "UPDATE payables SET due_on = '2020-01-01'"
UNDOES = "UPDATE payables SET status = 'waiting_funds', paid_at = NULL, settlement_id = NULL"

# What one of the others may do, and these not.
FORBIDDEN = [
    *((login, PAYS) for login in (Login.API, Login.READS, Login.RELAY, Login.SUPPORT)),
    *((login, READS_KEYS) for login in (Login.READS, Login.RELAY, Login.RUNS, Login.SUPPORT)),
    *((login, ADDS_A_KEY) for login in (Login.API, Login.READS, Login.RELAY, Login.RUNS, Login.SUPPORT)),
    *((login, REVOKES) for login in (Login.API, Login.READS, Login.RELAY, Login.RUNS, Login.SUPPORT)),
    *((login, UNDOES) for login in PROGRAMS),
    *((login, MOVES) for login in PROGRAMS),
    *(
        (login, INSERTS_A_TRANSACTION.format(status="pending_payment", method="credit_card"))
        for login in (Login.READS, Login.RELAY, Login.RUNS, Login.OPERATOR, Login.SUPPORT)
    ),
    (Login.API, INSERTS_A_TRANSACTION.format(status="paid", method="credit_card")),
    (Login.API, "UPDATE settlements SET net_minor = 0, fee_minor = gross_minor"),
    (Login.API, "INSERT INTO operator_actions (id) VALUES (gen_random_uuid())"),
    (Login.API, "SELECT reason FROM operator_actions"),
    (Login.API, "INSERT INTO fee_plans (customer_id) VALUES ('mallory')"),
    (Login.API, "SELECT card_last_four FROM transactions"),
    (Login.API, "UPDATE transactions SET status = 'paid'"),
    (Login.API, "UPDATE refunds SET status = 'failed', failure_reason = 'none', failed_entry_id = id"),
    (Login.API, "INSERT INTO merchant_terms (customer_id) VALUES ('mallory')"),
    (Login.API, "SELECT customer_id FROM settlements"),
    (Login.API, "SELECT FROM ledger_postings"),
    (Login.READS, "SELECT FROM ledger_postings"),
    (Login.READS, "SELECT FROM ledger_entries"),
    (Login.READS, "UPDATE ledger_balances SET available_minor = 1"),
    (Login.SUPPORT, "UPDATE ledger_balances SET available_minor = 1"),
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
    (Login.RUNS, "UPDATE plan_rules SET valid = 'empty', ended_at = now()"),
    (Login.RUNS, "INSERT INTO plan_rules (id) VALUES (gen_random_uuid())"),
    (Login.RUNS, "INSERT INTO holidays (calendar) VALUES ('brazil')"),
    (Login.READS, "SELECT reason FROM plan_rules"),
    (Login.READS, "SELECT reason FROM holidays"),
    (Login.API, "SELECT fee_bps FROM plan_rules"),
    (Login.READS, "SELECT FROM merchant_terms"),
    (Login.READS, "SELECT FROM returned_amounts"),
    (Login.RUNS, "INSERT INTO merchant_terms (customer_id) VALUES ('mallory')"),
    (Login.RUNS, "UPDATE refunds SET amount_minor = 1"),
    (Login.RUNS, "UPDATE transactions SET status = 'pending_payment'"),
    (Login.OPERATOR, "SELECT answer FROM idempotency_keys"),
    (Login.SUPPORT, "SELECT answer FROM idempotency_keys"),
    (Login.SUPPORT, "INSERT INTO operator_actions (id) VALUES (gen_random_uuid())"),
    *((Login.WEBSERVER, statement) for statement in (PAYS, READS_KEYS, ADDS_A_KEY, REVOKES)),
    (Login.WEBSERVER, "SELECT reason FROM operator_actions"),
    (Login.WEBSERVER, "SELECT FROM transactions"),
    (Login.WEBSERVER, "SELECT customer_id FROM payables"),
    (Login.WEBSERVER, "SET ROLE psp_runs"),
]
