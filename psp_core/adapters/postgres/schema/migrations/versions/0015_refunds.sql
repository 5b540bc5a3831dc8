-- Money that comes back: docs/decisions/030-money-that-comes-back.md.

-- What came back of a transaction: its row is what refunds of one sale wait for.
CREATE TABLE returned_amounts (
    transaction_id UUID NOT NULL,
    customer_id VARCHAR(255) COLLATE "C" NOT NULL,
    captured_minor BIGINT NOT NULL,
    refunded_minor BIGINT NOT NULL,
    CONSTRAINT returned_amounts_pkey PRIMARY KEY (transaction_id),
    CONSTRAINT returned_amounts_refunded_check CHECK (refunded_minor BETWEEN 0 AND captured_minor)
);

CREATE TABLE refunds (
    id UUID NOT NULL,
    transaction_id UUID NOT NULL,
    customer_id VARCHAR(255) COLLATE "C" NOT NULL,
    status TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    fee_returned_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    reason TEXT,
    reference TEXT,
    failure_reason TEXT,
    entry_id UUID NOT NULL,
    failed_entry_id UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT refunds_pkey PRIMARY KEY (id),
    CONSTRAINT refunds_status_check CHECK (status IN ('succeeded', 'failed')),
    CONSTRAINT refunds_amount_check CHECK (amount_minor > 0),
    CONSTRAINT refunds_fee_check CHECK (fee_returned_minor BETWEEN 0 AND amount_minor),
    CONSTRAINT refunds_failed_check CHECK (
        (status = 'failed') = (failure_reason IS NOT NULL) AND (status = 'failed') = (failed_entry_id IS NOT NULL)
    )
);

CREATE INDEX refunds_merchant_idx ON refunds (customer_id, id);
CREATE INDEX refunds_transaction_idx ON refunds (transaction_id);

CREATE TABLE merchant_terms (
    customer_id VARCHAR(255) COLLATE "C" NOT NULL,
    currency TEXT NOT NULL,
    negative_limit_minor BIGINT,
    reserve_bps SMALLINT NOT NULL,
    reserve_days SMALLINT NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT merchant_terms_pkey PRIMARY KEY (customer_id, currency),
    CONSTRAINT merchant_terms_limit_check CHECK (negative_limit_minor >= 0),
    CONSTRAINT merchant_terms_reserve_check CHECK (
        reserve_bps BETWEEN 0 AND 10000 AND reserve_days BETWEEN 0 AND 365 AND (reserve_bps = 0) = (reserve_days = 0)
    )
);

-- What was kept back of a settlement, and what of it nothing has been taken from yet.
CREATE TABLE reserve_lots (
    settlement_id UUID NOT NULL,
    customer_id VARCHAR(255) COLLATE "C" NOT NULL,
    currency TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    left_minor BIGINT NOT NULL,
    release_on DATE NOT NULL,
    CONSTRAINT reserve_lots_pkey PRIMARY KEY (settlement_id),
    CONSTRAINT reserve_lots_left_check CHECK (amount_minor > 0 AND left_minor BETWEEN 0 AND amount_minor)
);

CREATE INDEX reserve_lots_due_idx ON reserve_lots (release_on) WHERE left_minor > 0;
CREATE INDEX reserve_lots_merchant_idx ON reserve_lots (customer_id, currency, release_on) WHERE left_minor > 0;

-- Debt that is given up: by one person who asks and another one who releases it.
CREATE TABLE write_offs (
    id UUID NOT NULL,
    customer_id VARCHAR(255) COLLATE "C" NOT NULL,
    currency TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    reason TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    released_by TEXT,
    released_at TIMESTAMP WITH TIME ZONE,
    entry_id UUID,
    CONSTRAINT write_offs_pkey PRIMARY KEY (id),
    CONSTRAINT write_offs_amount_check CHECK (amount_minor > 0),
    CONSTRAINT write_offs_two_people_check CHECK (released_by <> requested_by),
    CONSTRAINT write_offs_released_check CHECK (
        (released_by IS NULL) = (released_at IS NULL) AND (released_by IS NULL) = (entry_id IS NULL)
    )
);

ALTER TABLE payables ADD COLUMN source_id UUID;

-- The business date from which on there was debt all the time; null without any.
ALTER TABLE ledger_balances ADD COLUMN debt_since DATE;

ALTER TABLE plan_rules
    ADD COLUMN refund_fee TEXT NOT NULL DEFAULT 'returned',
    ADD CONSTRAINT plan_rules_refund_fee_check CHECK (refund_fee IN ('returned', 'kept'));

ALTER TABLE settlements
    ADD COLUMN recovered_minor BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN reserve_withheld_minor BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN from_available_minor BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN from_reserve_minor BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN carried_minor BIGINT NOT NULL DEFAULT 0,
    -- Of before the ledger, none says what became available; not looked for in old rows under this lock.
    ADD CONSTRAINT settlements_waterfall_check CHECK (
        to_available_minor IS NULL OR net_minor = to_available_minor + recovered_minor + reserve_withheld_minor
            - from_available_minor - from_reserve_minor - carried_minor
    ) NOT VALID,
    ADD CONSTRAINT settlements_one_way_check CHECK (
        least(recovered_minor, reserve_withheld_minor, from_available_minor, from_reserve_minor, carried_minor) >= 0
        AND (from_available_minor + from_reserve_minor + carried_minor = 0
             OR coalesce(to_available_minor, 0) + recovered_minor + reserve_withheld_minor = 0)
    ) NOT VALID;

CREATE TRIGGER refunds_fail_once BEFORE UPDATE ON refunds
    FOR EACH ROW WHEN (OLD.status = 'failed' OR NEW.status <> 'failed') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refunds_stay BEFORE DELETE ON refunds FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reserve_lots_stay BEFORE DELETE ON reserve_lots FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER write_offs_are_released_once BEFORE UPDATE ON write_offs
    FOR EACH ROW WHEN (OLD.released_by IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER write_offs_stay BEFORE DELETE ON write_offs FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER returned_amounts_stay BEFORE DELETE ON returned_amounts
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The API's login refunds: of the one merchant whose request it is, and nothing else of the tables that it now reads.
GRANT SELECT (id, customer_id, currency, amount_minor, installments) ON transactions TO psp_api;
GRANT SELECT, INSERT ON payables TO psp_api;
GRANT SELECT, INSERT ON refunds TO psp_api;
GRANT SELECT, INSERT, UPDATE (refunded_minor) ON returned_amounts TO psp_api;
GRANT SELECT ON merchant_terms TO psp_api;
GRANT SELECT (id, customer_id, refund_fee, calendar) ON plan_rules TO psp_api;
GRANT SELECT (calendar, day) ON holidays TO psp_api;
GRANT INSERT ON ledger_entries, ledger_postings TO psp_api;
GRANT SELECT, INSERT, UPDATE (pending_minor, settling_minor, available_minor, reserve_minor, in_transit_minor,
    debt_minor) ON ledger_balances TO psp_api;
GRANT UPDATE (debt_since) ON ledger_balances TO psp_api, psp_runs;
GRANT SELECT ON ledger_state TO psp_api;
GRANT EXECUTE ON FUNCTION uuid7_at(timestamptz) TO psp_api;

GRANT SELECT, INSERT, UPDATE (status, failure_reason, failed_entry_id, updated_at) ON refunds TO psp_runs;
GRANT SELECT, INSERT, UPDATE (refunded_minor) ON returned_amounts TO psp_runs;
GRANT SELECT ON merchant_terms TO psp_runs;
GRANT INSERT, UPDATE (negative_limit_minor, reserve_bps, reserve_days, updated_at) ON merchant_terms TO psp_operator;
GRANT SELECT, INSERT, UPDATE (left_minor) ON reserve_lots TO psp_runs;
GRANT UPDATE (recovered_minor, reserve_withheld_minor, from_available_minor, from_reserve_minor, carried_minor)
    ON settlements TO psp_runs;

GRANT SELECT ON refunds TO psp_merchant;
GRANT SELECT (refund_fee) ON plan_rules TO psp_merchant;
GRANT SELECT, INSERT, UPDATE (released_by, released_at, entry_id) ON write_offs TO psp_runs;
GRANT SELECT ON write_offs, refunds, returned_amounts, merchant_terms, reserve_lots TO psp_support;

CREATE POLICY transactions_refunded_by_the_api ON transactions FOR SELECT TO psp_api
    USING (customer_id = current_setting('psp.customer_id', true));
CREATE POLICY payables_read_by_the_api ON payables FOR SELECT TO psp_api
    USING (customer_id = current_setting('psp.customer_id', true));
CREATE POLICY payables_refunded_by_the_api ON payables FOR INSERT TO psp_api
    WITH CHECK (customer_id = current_setting('psp.customer_id', true) AND type = 'refund'
                AND status = 'waiting_funds');
CREATE POLICY plan_rules_read_by_the_api ON plan_rules FOR SELECT TO psp_api
    USING (customer_id IS NULL OR customer_id = current_setting('psp.customer_id', true));
CREATE POLICY holidays_read_by_the_api ON holidays FOR SELECT TO psp_api USING (true);
CREATE POLICY ledger_balances_of_the_api ON ledger_balances TO psp_api
    USING (customer_id = current_setting('psp.customer_id', true))
    WITH CHECK (customer_id = current_setting('psp.customer_id', true));
CREATE POLICY ledger_state_for_the_api ON ledger_state FOR SELECT TO psp_api USING (true);

ALTER TABLE refunds ENABLE ROW LEVEL SECURITY;
ALTER TABLE refunds FORCE ROW LEVEL SECURITY;
CREATE POLICY refunds_of_the_merchant ON refunds FOR SELECT TO psp_merchant
    USING (customer_id = current_setting('psp.customer_id', true));
CREATE POLICY refunds_of_the_api ON refunds TO psp_api
    USING (customer_id = current_setting('psp.customer_id', true))
    WITH CHECK (customer_id = current_setting('psp.customer_id', true));
CREATE POLICY refunds_of_the_runs ON refunds TO psp_runs USING (true) WITH CHECK (true);
CREATE POLICY refunds_for_support ON refunds FOR SELECT TO psp_support USING (true);

ALTER TABLE returned_amounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE returned_amounts FORCE ROW LEVEL SECURITY;
CREATE POLICY returned_amounts_of_the_api ON returned_amounts TO psp_api
    USING (customer_id = current_setting('psp.customer_id', true))
    WITH CHECK (customer_id = current_setting('psp.customer_id', true));
CREATE POLICY returned_amounts_of_the_runs ON returned_amounts TO psp_runs USING (true) WITH CHECK (true);
CREATE POLICY returned_amounts_for_support ON returned_amounts FOR SELECT TO psp_support USING (true);

ALTER TABLE write_offs ENABLE ROW LEVEL SECURITY;
ALTER TABLE write_offs FORCE ROW LEVEL SECURITY;
CREATE POLICY write_offs_of_the_runs ON write_offs TO psp_runs USING (true) WITH CHECK (true);
CREATE POLICY write_offs_for_support ON write_offs FOR SELECT TO psp_support USING (true);

ALTER TABLE reserve_lots ENABLE ROW LEVEL SECURITY;
ALTER TABLE reserve_lots FORCE ROW LEVEL SECURITY;
CREATE POLICY reserve_lots_of_the_runs ON reserve_lots TO psp_runs USING (true) WITH CHECK (true);
CREATE POLICY reserve_lots_for_support ON reserve_lots FOR SELECT TO psp_support USING (true);

ALTER TABLE merchant_terms ENABLE ROW LEVEL SECURITY;
ALTER TABLE merchant_terms FORCE ROW LEVEL SECURITY;
CREATE POLICY merchant_terms_read_by_the_api ON merchant_terms FOR SELECT TO psp_api
    USING (customer_id = current_setting('psp.customer_id', true));
CREATE POLICY merchant_terms_read_by_runs ON merchant_terms FOR SELECT TO psp_runs USING (true);
CREATE POLICY merchant_terms_of_the_operators ON merchant_terms TO psp_operator USING (true) WITH CHECK (true);
CREATE POLICY merchant_terms_for_support ON merchant_terms FOR SELECT TO psp_support USING (true);
