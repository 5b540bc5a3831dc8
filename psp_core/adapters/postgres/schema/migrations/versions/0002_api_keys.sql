CREATE TABLE api_keys (
    id TEXT COLLATE "C" NOT NULL,
    customer_id VARCHAR(255) COLLATE "C" NOT NULL,
    mode TEXT NOT NULL,
    scopes TEXT[] NOT NULL,
    token_hmac BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_id_check CHECK (id ~ '^[0-9A-Za-z]{16}$'),
    CONSTRAINT api_keys_mode_check CHECK (mode IN ('live', 'test')),
    CONSTRAINT api_keys_scopes_check CHECK (scopes <@ ARRAY['read', 'write'] AND cardinality(scopes) > 0),
    CONSTRAINT api_keys_token_hmac_check CHECK (octet_length(token_hmac) = 32)
);

CREATE INDEX api_keys_merchant_idx ON api_keys (customer_id, created_at, id);

-- The role that a merchant's reads take on. Roles belong to the whole cluster: another of its databases may
-- have made it already, or be about to.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'psp_merchant') THEN
        CREATE ROLE psp_merchant NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

-- From Postgres 16 on, who creates a role without being a superuser may administer it but not take it on.
DO $$
DECLARE
    wanted text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    IF NOT pg_has_role('psp_merchant', wanted) THEN
        GRANT psp_merchant TO CURRENT_USER;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION '% may not take on the role psp_merchant', current_user
        USING ERRCODE = 'insufficient_privilege',
              HINT = format('As an administrator of the cluster: GRANT psp_merchant TO %I', current_user);
END
$$;

DO $$
BEGIN
    IF NOT has_schema_privilege('psp_merchant', current_schema(), 'USAGE') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO psp_merchant', current_schema());
    END IF;
END
$$;

GRANT SELECT ON transactions, payables, settlements TO psp_merchant;

-- Not forced on the owner: settlement, the relay and the books work on every merchant's rows.
ALTER TABLE transactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE payables ENABLE ROW LEVEL SECURITY;
ALTER TABLE settlements ENABLE ROW LEVEL SECURITY;

-- Without the setting, or with the empty one that a past commit leaves behind, no row is anybody's.
CREATE POLICY transactions_of_the_merchant ON transactions FOR SELECT TO psp_merchant
    USING (customer_id = current_setting('psp.customer_id', true));
CREATE POLICY payables_of_the_merchant ON payables FOR SELECT TO psp_merchant
    USING (customer_id = current_setting('psp.customer_id', true));
CREATE POLICY settlements_of_the_merchant ON settlements FOR SELECT TO psp_merchant
    USING (customer_id = current_setting('psp.customer_id', true));
