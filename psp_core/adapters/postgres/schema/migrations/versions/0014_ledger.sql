CREATE TABLE ledger_entries (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    currency TEXT NOT NULL,
    effective_on DATE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    source TEXT,
    reverses_id UUID,
    CONSTRAINT ledger_entries_pkey PRIMARY KEY (id),
    CONSTRAINT ledger_entries_reverses_key UNIQUE (reverses_id),
    CONSTRAINT ledger_entries_kind_check
        CHECK (kind IN ('capture', 'settle', 'close', 'opening', 'reversal', 'correction')),
    CONSTRAINT ledger_entries_source_check CHECK (source IS NOT NULL OR kind = 'capture'),
    CONSTRAINT ledger_entries_reverses_check CHECK ((reverses_id IS NOT NULL) = (kind = 'reversal'))
);

CREATE INDEX ledger_entries_day_idx ON ledger_entries (effective_on, id);

-- What happens once.
CREATE UNIQUE INDEX ledger_entries_once_key ON ledger_entries (source, kind, currency)
    WHERE kind IN ('close', 'opening', 'correction');

CREATE TABLE ledger_postings (
    entry_id UUID NOT NULL,
    account TEXT NOT NULL,
    customer_id VARCHAR(255) COLLATE "C",
    side TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    CONSTRAINT ledger_postings_account_check CHECK (account IN (
        'acquirer_receivable', 'settlement_bank', 'merchant_receivable', 'merchant_pending', 'merchant_settling',
        'merchant_available', 'merchant_reserve', 'payout_in_transit', 'fee_revenue', 'anticipation_revenue',
        'suspense', 'bank_difference', 'write_off')),
    CONSTRAINT ledger_postings_side_check CHECK (side IN ('debit', 'credit')),
    CONSTRAINT ledger_postings_amount_check CHECK (amount_minor > 0),
    CONSTRAINT ledger_postings_merchant_check CHECK ((customer_id IS NOT NULL) = (account IN (
        'merchant_receivable', 'merchant_pending', 'merchant_settling', 'merchant_available', 'merchant_reserve',
        'payout_in_transit')))
);

CREATE UNIQUE INDEX ledger_postings_key ON ledger_postings (entry_id, account, customer_id, side) NULLS NOT DISTINCT;

CREATE TABLE ledger_balances (
    customer_id VARCHAR(255) COLLATE "C" NOT NULL,
    currency TEXT NOT NULL,
    pending_minor BIGINT DEFAULT 0 NOT NULL,
    settling_minor BIGINT DEFAULT 0 NOT NULL,
    available_minor BIGINT DEFAULT 0 NOT NULL,
    reserve_minor BIGINT DEFAULT 0 NOT NULL,
    in_transit_minor BIGINT DEFAULT 0 NOT NULL,
    debt_minor BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT ledger_balances_pkey PRIMARY KEY (customer_id, currency),
    CONSTRAINT ledger_balances_negative_check
        CHECK (available_minor >= 0 AND reserve_minor >= 0 AND in_transit_minor >= 0 AND debt_minor >= 0),
    CONSTRAINT ledger_balances_debt_check CHECK (debt_minor = 0 OR available_minor = 0)
)
 WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE ledger_days (
    day DATE NOT NULL,
    entries BIGINT NOT NULL,
    totals JSONB NOT NULL,
    hash BYTEA NOT NULL,
    previous_hash BYTEA NOT NULL,
    sealed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT ledger_days_pkey PRIMARY KEY (day),
    CONSTRAINT ledger_days_previous_key UNIQUE (previous_hash),
    CONSTRAINT ledger_days_hash_check CHECK (octet_length(hash) = 32 AND octet_length(previous_hash) = 32)
);

CREATE TABLE ledger_sealed_balances (
    customer_id VARCHAR(255) COLLATE "C" NOT NULL,
    currency TEXT NOT NULL,
    sealed_on DATE NOT NULL,
    pending_minor BIGINT NOT NULL,
    settling_minor BIGINT NOT NULL,
    available_minor BIGINT NOT NULL,
    reserve_minor BIGINT NOT NULL,
    in_transit_minor BIGINT NOT NULL,
    debt_minor BIGINT NOT NULL,
    CONSTRAINT ledger_sealed_balances_pkey PRIMARY KEY (customer_id, currency, sealed_on)
);

-- One row, or none while nothing is closed and nothing was to be opened.
CREATE TABLE ledger_state (
    is_the_one BOOLEAN DEFAULT true NOT NULL,
    closed_until DATE,
    opened_until UUID NOT NULL,
    opening_ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT ledger_state_pkey PRIMARY KEY (is_the_one),
    CONSTRAINT ledger_state_single_check CHECK (is_the_one)
);

-- The entry of its capture; null where an opening entry books it, or will.
ALTER TABLE payables ADD COLUMN entry_id UUID;

-- No default stays: a run of the program of before fails at its next commit, with nothing paid, and the sweep goes on
-- with this one. All zeros were opened before there was a ledger.
ALTER TABLE settlements
    ADD COLUMN opened_entry_id UUID NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    ADD COLUMN entry_id UUID,
    ADD COLUMN to_available_minor BIGINT;
ALTER TABLE settlements ALTER COLUMN opened_entry_id DROP DEFAULT;
-- So that none belongs to both: what it has not paid yet goes into the next sequence.
UPDATE settlements SET status = 'closed', closed_at = now() WHERE status = 'open';

INSERT INTO ledger_state (opened_until)
    SELECT '00000000-0000-0000-0000-000000000000' WHERE EXISTS (SELECT FROM payables);

CREATE TRIGGER ledger_entries_are_append_only BEFORE UPDATE OR DELETE ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_postings_are_append_only BEFORE UPDATE OR DELETE ON ledger_postings
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_days_are_append_only BEFORE UPDATE OR DELETE ON ledger_days
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_sealed_balances_are_append_only BEFORE UPDATE OR DELETE ON ledger_sealed_balances
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_balances_stay BEFORE DELETE ON ledger_balances
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- Whose balance it is, in which currency.
CREATE TRIGGER ledger_balances_keep_their_merchant BEFORE UPDATE OF customer_id, currency ON ledger_balances
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON ledger_entries, ledger_postings, ledger_days, ledger_sealed_balances TO psp_runs;
GRANT SELECT, INSERT, UPDATE (pending_minor, settling_minor, available_minor, reserve_minor, in_transit_minor,
    debt_minor) ON ledger_balances TO psp_runs;
GRANT SELECT, INSERT, UPDATE (closed_until, opened_until, opening_ended_at) ON ledger_state TO psp_runs;
GRANT UPDATE (entry_id, to_available_minor) ON settlements TO psp_runs;
GRANT SELECT ON ledger_entries, ledger_postings, ledger_days, ledger_sealed_balances, ledger_balances, ledger_state
    TO psp_support;
GRANT SELECT ON ledger_balances, ledger_state TO psp_merchant;

ALTER TABLE ledger_balances ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_balances FORCE ROW LEVEL SECURITY;
CREATE POLICY ledger_balances_of_the_merchant ON ledger_balances FOR SELECT TO psp_merchant
    USING (customer_id = current_setting('psp.customer_id', true));
CREATE POLICY ledger_balances_of_the_runs ON ledger_balances TO psp_runs USING (true) WITH CHECK (true);
CREATE POLICY ledger_balances_for_support ON ledger_balances FOR SELECT TO psp_support USING (true);

-- Holds no merchant's data: whether balances may be shown yet.
ALTER TABLE ledger_state ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_state FORCE ROW LEVEL SECURITY;
CREATE POLICY ledger_state_for_merchants ON ledger_state FOR SELECT TO psp_merchant USING (true);
CREATE POLICY ledger_state_of_the_runs ON ledger_state TO psp_runs USING (true) WITH CHECK (true);
CREATE POLICY ledger_state_for_support ON ledger_state FOR SELECT TO psp_support USING (true);
