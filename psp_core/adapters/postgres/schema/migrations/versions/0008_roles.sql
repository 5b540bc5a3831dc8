-- What each of the platform's programs may do, as roles without a login: docs/decisions/013-a-login-for-each-program.md.
-- Whoever deploys gives each program a login that is a member of its role (psp_core/adapters/postgres/schema/logins.py).

-- Roles belong to the whole cluster: another of its databases may have made one already, or be about to. Then the
-- insertion waits for the other one's commit, and fails.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['psp_api', 'psp_relay', 'psp_runs', 'psp_operator', 'psp_support'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted);
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION '% may not make the role %', current_user, wanted
                    USING ERRCODE = 'insufficient_privilege',
                          HINT = 'As an administrator of the cluster: psp set-logins, and then again';
        END;
    END LOOP;
END
$$;

-- The owner is a member of all: where every program still has the owner's login, security by rows, which is forced on
-- the owner too, lets it through. Operators may do what the runs do.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT role, member FROM (VALUES
            ('psp_runs', 'psp_operator'),
            ('psp_api', current_user), ('psp_relay', current_user), ('psp_runs', current_user),
            ('psp_operator', current_user), ('psp_support', current_user)
        ) AS membership (role, member)
    LOOP
        -- A superuser has every role's rights.
        CONTINUE WHEN pg_has_role(wanted.member, wanted.role, 'USAGE');
        BEGIN
            EXECUTE format('GRANT %I TO %I', wanted.role, wanted.member);
        EXCEPTION
            WHEN unique_violation THEN
                NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION '% may not make % a member of %', current_user, wanted.member, wanted.role
                    USING ERRCODE = 'insufficient_privilege',
                          HINT = format(
                              'As an administrator of the cluster: psp set-logins, or GRANT psp_api, psp_relay, '
                              'psp_runs, psp_operator, psp_support TO %I', current_user);
        END;
    END LOOP;
END
$$;

DO $$
BEGIN
    EXECUTE format(
        'GRANT USAGE ON SCHEMA %I TO psp_api, psp_relay, psp_runs, psp_operator, psp_support', current_schema());
    -- Since Postgres 15 nobody else may; a database that was made before lets everybody.
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', current_schema());
END
$$;

REVOKE EXECUTE ON FUNCTION uuid7_at(timestamptz), refuse_change() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION uuid7_at(timestamptz) TO psp_runs;

GRANT SELECT ON alembic_version TO psp_api, psp_runs, psp_support;

-- Accepts transactions, and reads none of them.
GRANT INSERT ON transactions, outbox, idempotency_keys TO psp_api;
GRANT SELECT ON idempotency_keys, api_keys TO psp_api;
GRANT SELECT (id, created_at) ON outbox TO psp_api;
GRANT UPDATE (last_used_at) ON api_keys TO psp_api;

-- FOR UPDATE asks for the right to change a column; this one is always the database's own choice.
GRANT SELECT, DELETE, UPDATE (id) ON outbox TO psp_relay;

-- Drains, settles, repairs, reports, checks, purges.
GRANT SELECT ON transactions, payables, settlements, fee_plans, operator_actions, operator_action_outcomes TO psp_runs;
GRANT UPDATE (status, updated_at) ON transactions TO psp_runs;
GRANT INSERT, UPDATE (status, paid_at, settlement_id, updated_at) ON payables TO psp_runs;
GRANT INSERT, UPDATE (status, payable_count, gross_minor, fee_minor, net_minor, closed_at) ON settlements TO psp_runs;
GRANT INSERT, SELECT (id, created_at) ON outbox TO psp_runs;
-- To delete those past their time; not to read the answers.
GRANT DELETE, SELECT (ctid, created_at) ON idempotency_keys TO psp_runs;
GRANT INSERT ON operator_actions, operator_action_outcomes TO psp_runs;
GRANT SELECT, INSERT, UPDATE, DELETE ON leases TO psp_runs;

-- Besides what psp_runs may: the merchants' terms and keys.
GRANT INSERT ON fee_plans TO psp_operator;
GRANT SELECT, INSERT, UPDATE (expires_at, revoked_at) ON api_keys TO psp_operator;

-- Looks, and gets no answer of an idempotency key and nothing to compute an API key from.
GRANT SELECT ON transactions, payables, settlements, fee_plans, outbox, operator_actions,
    operator_action_outcomes, leases TO psp_support;
GRANT SELECT (customer_id, key, created_at) ON idempotency_keys TO psp_support;
GRANT SELECT (id, customer_id, mode, scopes, created_at, expires_at, revoked_at, last_used_at) ON api_keys
    TO psp_support;

-- Now on the owner, too: without a policy that names its role, nobody but a superuser sees or writes a row.
ALTER TABLE transactions FORCE ROW LEVEL SECURITY;
ALTER TABLE payables FORCE ROW LEVEL SECURITY;
ALTER TABLE settlements FORCE ROW LEVEL SECURITY;

-- Paid at its birth is what was paid by debit card, and nothing else.
CREATE POLICY transactions_accepted ON transactions FOR INSERT TO psp_api
    WITH CHECK ((status = 'paid') = (payment_method = 'debit_card'));

-- What a run changes is paid after it: nothing that was paid becomes unpaid.
CREATE POLICY transactions_read_by_runs ON transactions FOR SELECT TO psp_runs USING (true);
CREATE POLICY transactions_paid_by_runs ON transactions FOR UPDATE TO psp_runs USING (true)
    WITH CHECK (status = 'paid');
CREATE POLICY payables_read_by_runs ON payables FOR SELECT TO psp_runs USING (true);
CREATE POLICY payables_made_by_runs ON payables FOR INSERT TO psp_runs WITH CHECK (true);
CREATE POLICY payables_paid_by_runs ON payables FOR UPDATE TO psp_runs USING (true) WITH CHECK (status = 'paid');
-- Closed ones are held by settlements_closed_is_immutable.
CREATE POLICY settlements_of_the_runs ON settlements TO psp_runs USING (true) WITH CHECK (true);

CREATE POLICY transactions_for_support ON transactions FOR SELECT TO psp_support USING (true);
CREATE POLICY payables_for_support ON payables FOR SELECT TO psp_support USING (true);
CREATE POLICY settlements_for_support ON settlements FOR SELECT TO psp_support USING (true);
