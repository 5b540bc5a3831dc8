-- Dagster's webserver records what is done on its pages; it reads nothing of what is recorded.
DO $$
BEGIN
    -- The whole cluster's: another of its databases may have made it, or be about to.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'psp_webserver') THEN
        CREATE ROLE psp_webserver NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION '% may not make the role psp_webserver', current_user
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'As an administrator of the cluster: psp set-logins, and then again';
END
$$;

-- As of the other roles, so that one login for all goes on working.
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'psp_webserver', 'USAGE') THEN
        EXECUTE format('GRANT psp_webserver TO %I', current_user);
    END IF;
EXCEPTION
    WHEN unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION '% may not make itself a member of psp_webserver', current_user
            USING ERRCODE = 'insufficient_privilege',
                  HINT = format('As an administrator of the cluster: psp set-logins, or GRANT psp_webserver TO %I', current_user);
END
$$;

DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO psp_webserver', current_schema());
END
$$;

GRANT INSERT ON operator_actions, operator_action_outcomes TO psp_webserver;
-- ON CONFLICT asks for the right to read what it compares.
GRANT SELECT (run_id, action) ON operator_actions TO psp_webserver;
