-- A UUID of version 7 for an instant: like the ids that the program makes, it sorts by time.
CREATE FUNCTION uuid7_at(instant timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                PLACING substring(int8send(floor(extract(epoch FROM instant) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
            52, 1), 53, 1),
        'hex')::uuid
$$;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is immutable', TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TABLE fee_plans (
    customer_id VARCHAR(255) COLLATE "C" NOT NULL,
    effective_from TIMESTAMP WITH TIME ZONE NOT NULL,
    credit_fee_bps SMALLINT NOT NULL,
    debit_fee_bps SMALLINT NOT NULL,
    credit_delay_days SMALLINT NOT NULL,
    calendar TEXT NOT NULL,
    CONSTRAINT fee_plans_pkey PRIMARY KEY (customer_id, effective_from),
    CONSTRAINT fee_plans_credit_fee_check CHECK (credit_fee_bps BETWEEN 0 AND 10000),
    CONSTRAINT fee_plans_debit_fee_check CHECK (debit_fee_bps BETWEEN 0 AND 10000),
    CONSTRAINT fee_plans_credit_delay_check CHECK (credit_delay_days BETWEEN 0 AND 365),
    CONSTRAINT fee_plans_calendar_check CHECK (calendar IN ('every_day', 'brazil'))
);

CREATE TABLE idempotency_keys (
    customer_id VARCHAR(255) COLLATE "C" NOT NULL,
    key VARCHAR(255) COLLATE "C" NOT NULL,
    request_hash BYTEA NOT NULL,
    answer BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (customer_id, key)
);

CREATE INDEX idempotency_keys_created_idx ON idempotency_keys USING brin (created_at);

CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    transaction_ids UUID[] NOT NULL,
    traceparent TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT outbox_pkey PRIMARY KEY (id)
)
 WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000);

CREATE TABLE payables (
    id UUID NOT NULL,
    transaction_id UUID NOT NULL,
    customer_id VARCHAR(255) COLLATE "C" NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    payment_method TEXT NOT NULL,
    installment SMALLINT NOT NULL,
    installments SMALLINT NOT NULL,
    currency TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    fee_bps SMALLINT NOT NULL,
    fee_minor BIGINT NOT NULL,
    receivable_minor BIGINT NOT NULL,
    payment_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_on DATE NOT NULL,
    paid_at TIMESTAMP WITH TIME ZONE,
    settlement_id UUID,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT payables_pkey PRIMARY KEY (id),
    CONSTRAINT payables_transaction_installment_key UNIQUE (transaction_id, type, installment),
    CONSTRAINT payables_type_check CHECK (type IN ('credit')),
    CONSTRAINT payables_status_check CHECK (status IN ('waiting_funds', 'paid')),
    CONSTRAINT payables_installment_check CHECK (installment BETWEEN 1 AND installments),
    CONSTRAINT payables_amount_check CHECK (amount_minor >= 0),
    CONSTRAINT payables_fee_check CHECK (fee_minor BETWEEN 0 AND amount_minor),
    CONSTRAINT payables_receivable_check CHECK (receivable_minor = amount_minor - fee_minor),
    CONSTRAINT payables_paid_check CHECK ((status = 'paid') = (paid_at IS NOT NULL)),
    CONSTRAINT payables_settled_check CHECK (settlement_id IS NULL OR status = 'paid')
);

CREATE INDEX payables_due_idx ON payables (due_on, customer_id, id) WHERE status = 'waiting_funds';

CREATE INDEX payables_merchant_idx ON payables (customer_id, id);

CREATE TABLE settlements (
    id UUID NOT NULL,
    customer_id VARCHAR(255) COLLATE "C" NOT NULL,
    currency TEXT NOT NULL,
    due_on DATE NOT NULL,
    sequence SMALLINT NOT NULL,
    status TEXT NOT NULL,
    payable_count BIGINT NOT NULL,
    gross_minor BIGINT NOT NULL,
    fee_minor BIGINT NOT NULL,
    net_minor BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT settlements_pkey PRIMARY KEY (id),
    CONSTRAINT settlements_sequence_key UNIQUE (due_on, customer_id, currency, sequence),
    CONSTRAINT settlements_status_check CHECK (status IN ('open', 'closed')),
    CONSTRAINT settlements_closed_check CHECK ((status = 'closed') = (closed_at IS NOT NULL)),
    CONSTRAINT settlements_count_check CHECK (payable_count > 0 AND sequence > 0),
    CONSTRAINT settlements_balance_check CHECK (gross_minor = fee_minor + net_minor)
);

CREATE INDEX settlements_merchant_idx ON settlements (customer_id, id);

CREATE UNIQUE INDEX settlements_open_key ON settlements (due_on, customer_id, currency) WHERE status = 'open';

CREATE TABLE transactions (
    id UUID NOT NULL,
    customer_id VARCHAR(255) COLLATE "C" NOT NULL,
    status TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    currency TEXT NOT NULL,
    payment_method TEXT NOT NULL,
    installments SMALLINT NOT NULL,
    description TEXT NOT NULL,
    reference TEXT,
    card_holder_name TEXT NOT NULL,
    card_expires_on DATE NOT NULL,
    card_last_four TEXT NOT NULL,
    card_brand TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT transactions_pkey PRIMARY KEY (id),
    CONSTRAINT transactions_amount_check CHECK (amount_minor BETWEEN 1 AND 1000000000000),
    CONSTRAINT transactions_status_check CHECK (status IN ('pending_payment', 'paid')),
    CONSTRAINT transactions_payment_method_check CHECK (payment_method IN ('credit_card', 'debit_card')),
    CONSTRAINT transactions_installments_check CHECK (installments BETWEEN 1 AND 12),
    CONSTRAINT transactions_card_last_four_check CHECK (card_last_four ~ '^[0-9]{4}$')
)
 WITH (fillfactor = 80);

CREATE INDEX transactions_merchant_idx ON transactions (customer_id, id);

CREATE TRIGGER settlements_closed_is_immutable BEFORE UPDATE OR DELETE ON settlements
    FOR EACH ROW WHEN (OLD.status = 'closed') EXECUTE FUNCTION refuse_change();

CREATE TRIGGER fee_plans_are_append_only BEFORE UPDATE OR DELETE ON fee_plans
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
