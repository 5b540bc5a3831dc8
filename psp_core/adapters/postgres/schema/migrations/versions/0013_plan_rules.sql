-- Who is charged what from when to when, and days that were closed in an emergency: docs/decisions/029-plan-rules.md.

-- Trusted: the owner of the database may make it, also where nobody is a superuser.
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE holidays (
    calendar TEXT NOT NULL,
    day DATE NOT NULL,
    reason TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT holidays_pkey PRIMARY KEY (calendar, day),
    CONSTRAINT holidays_calendar_check CHECK (calendar IN ('brazil')),
    CONSTRAINT holidays_reason_check CHECK (length(trim(reason)) BETWEEN 1 AND 1000)
);

CREATE TABLE plan_rules (
    id UUID NOT NULL,
    customer_id VARCHAR(255) COLLATE "C",
    payment_method TEXT,
    card_brand TEXT,
    currency TEXT,
    installments INT4RANGE,
    fee_bps SMALLINT NOT NULL,
    fee_fixed_minor BIGINT NOT NULL,
    fee_min_minor BIGINT NOT NULL,
    fee_max_minor BIGINT,
    rounding TEXT NOT NULL,
    fee_basis TEXT NOT NULL,
    delay SMALLINT NOT NULL,
    delay_unit TEXT NOT NULL,
    step SMALLINT NOT NULL,
    step_unit TEXT NOT NULL,
    calendar TEXT NOT NULL,
    roll TEXT NOT NULL,
    zone TEXT,
    closes_at TEXT NOT NULL,
    paid_from TEXT NOT NULL,
    valid TSTZRANGE NOT NULL,
    reason TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT plan_rules_pkey PRIMARY KEY (id),
    CONSTRAINT plan_rules_payment_method_check CHECK (payment_method IN ('credit_card', 'debit_card')),
    CONSTRAINT plan_rules_currency_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT plan_rules_installments_check CHECK (installments <@ '[1,25)'::int4range AND NOT isempty(installments)),
    CONSTRAINT plan_rules_fee_check CHECK (
        fee_bps BETWEEN 0 AND 10000 AND fee_fixed_minor >= 0 AND fee_min_minor >= 0 AND fee_max_minor >= fee_min_minor),
    CONSTRAINT plan_rules_amounts_check CHECK (
        currency IS NOT NULL OR (fee_fixed_minor = 0 AND fee_min_minor = 0 AND fee_max_minor IS NULL)),
    CONSTRAINT plan_rules_rounding_check CHECK (rounding IN ('down', 'half_up', 'half_even')),
    CONSTRAINT plan_rules_fee_basis_check CHECK (fee_basis IN ('whole', 'installment')),
    CONSTRAINT plan_rules_delay_check CHECK (
        delay BETWEEN 0 AND 365 AND delay_unit IN ('days', 'business_days', 'months')
        AND (delay = 0 OR payment_method IS DISTINCT FROM 'debit_card')),
    CONSTRAINT plan_rules_step_check CHECK (step BETWEEN 0 AND 365 AND step_unit IN ('days', 'months')),
    CONSTRAINT plan_rules_calendar_check CHECK (calendar IN ('every_day', 'brazil')),
    CONSTRAINT plan_rules_roll_check CHECK (
        roll IN ('none', 'following') AND (roll = 'none') = (calendar = 'every_day')),
    CONSTRAINT plan_rules_closes_at_check CHECK (closes_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]([+]1)?$'),
    CONSTRAINT plan_rules_paid_from_check CHECK (paid_from IN ('capture', 'start_of_day')),
    CONSTRAINT plan_rules_reason_check CHECK (length(trim(reason)) BETWEEN 1 AND 1000),
    -- Else what was sold would have another price when it is drained later. An empty range is a rule that was
    -- taken back before it began.
    CONSTRAINT plan_rules_begin_check CHECK (lower(valid) >= created_at),
    CONSTRAINT plan_rules_end_check CHECK (
        upper_inf(valid) = (ended_at IS NULL) AND (ended_at IS NULL OR isempty(valid) OR upper(valid) >= ended_at)),
    -- Any range of installments beside all of them is well: the range is more specific. NULLs are never equal.
    CONSTRAINT plan_rules_no_overlap EXCLUDE USING gist (
        (COALESCE(customer_id, '')) WITH =,
        (COALESCE(payment_method, '')) WITH =,
        (COALESCE(card_brand, '')) WITH =,
        (COALESCE(currency, '')) WITH =,
        ((installments IS NULL)::int) WITH =,
        (COALESCE(installments, '[1,25)'::int4range)) WITH &&,
        valid WITH &&
    )
);

CREATE INDEX plan_rules_merchant_idx ON plan_rules (customer_id);

-- An end may be set, and moved while it lies ahead; nothing else ever changes.
CREATE FUNCTION keep_plan_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
       AND to_jsonb(NEW) - '{valid,ended_at}'::text[] = to_jsonb(OLD) - '{valid,ended_at}'::text[]
       AND NEW.ended_at IS NOT NULL
       AND (upper_inf(OLD.valid) OR upper(OLD.valid) > NEW.ended_at)
       AND (lower(NEW.valid) = lower(OLD.valid) OR isempty(NEW.valid) AND lower(OLD.valid) >= NEW.ended_at)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of % is immutable', TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER plan_rules_only_end BEFORE UPDATE OR DELETE ON plan_rules
    FOR EACH ROW EXECUTE FUNCTION keep_plan_rule();
CREATE TRIGGER holidays_are_append_only BEFORE UPDATE OR DELETE ON holidays
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A fee plan is two rules, whoever writes it: also the command line of before, while this is rolled out. It ends the rule
-- in force, and holds until the next one begins, which a file has planned or a clock that is ahead has written.
CREATE FUNCTION make_rules_of_fee_plan() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE plan_rules SET valid = tstzrange(lower(valid), NEW.effective_from), ended_at = NEW.effective_from
    WHERE customer_id = NEW.customer_id AND payment_method IS NOT NULL
      AND card_brand IS NULL AND currency IS NULL AND installments IS NULL AND valid @> NEW.effective_from;
    INSERT INTO plan_rules (
        id, customer_id, payment_method, fee_bps, fee_fixed_minor, fee_min_minor, rounding, fee_basis, delay, delay_unit,
        step, step_unit, calendar, roll, closes_at, paid_from, valid, reason, created_at, ended_at
    )
    SELECT uuid7_at(NEW.effective_from), NEW.customer_id, method, bps, 0, 0, 'down', 'whole', days, 'days',
           days, 'days', NEW.calendar, CASE NEW.calendar WHEN 'every_day' THEN 'none' ELSE 'following' END,
           '00:00+1', 'capture', tstzrange(NEW.effective_from, next_begin), 'fee-plans set', NEW.effective_from,
           CASE WHEN next_begin IS NOT NULL THEN NEW.effective_from END
    FROM (VALUES
        ('credit_card', NEW.credit_fee_bps, NEW.credit_delay_days),
        ('debit_card', NEW.debit_fee_bps, 0::smallint)
    ) AS card (method, bps, days),
    LATERAL (
        SELECT min(lower(valid)) AS next_begin FROM plan_rules
        WHERE customer_id = NEW.customer_id AND payment_method = method
          AND card_brand IS NULL AND currency IS NULL AND installments IS NULL AND lower(valid) > NEW.effective_from
    ) AS following;
    RETURN NULL;
END
$$;

CREATE TRIGGER fee_plans_are_rules AFTER INSERT ON fee_plans
    FOR EACH ROW EXECUTE FUNCTION make_rules_of_fee_plan();

-- What was sold before this moment has a fee for each installment, and from it on one fee that is split. A database
-- without transactions has no such moment. The trigger's lock on fee_plans lets no row come in between.
WITH moment AS (
    SELECT date_trunc('milliseconds', now()) AS at WHERE EXISTS (SELECT FROM transactions)
),
plans AS (
    SELECT *, lead(effective_from) OVER (PARTITION BY customer_id ORDER BY effective_from) AS next_from FROM fee_plans
    UNION ALL
    SELECT NULL, '1970-01-01Z', 500, 300, 30, 'every_day', at FROM moment
),
parts AS (
    SELECT plans.*, effective_from AS from_at, least(next_from, at) AS until_at, 'installment' AS basis
    FROM plans, moment WHERE effective_from < at
    UNION ALL
    SELECT plans.*, greatest(effective_from, at), next_from, 'whole'
    FROM plans LEFT JOIN moment ON true WHERE at IS NULL OR next_from IS NULL OR next_from > at
)
INSERT INTO plan_rules (
    id, customer_id, payment_method, fee_bps, fee_fixed_minor, fee_min_minor, rounding, fee_basis, delay, delay_unit,
    step, step_unit, calendar, roll, closes_at, paid_from, valid, reason, created_at, ended_at
)
SELECT uuid7_at(from_at), customer_id, method, bps, 0, 0, 'down', basis, days, 'days',
       days, 'days', calendar, CASE calendar WHEN 'every_day' THEN 'none' ELSE 'following' END,
       '00:00+1', 'capture', tstzrange(from_at, until_at), 'a fee plan of before there were rules', from_at, until_at
FROM parts, LATERAL (VALUES
    ('credit_card', credit_fee_bps::smallint, credit_delay_days::smallint),
    ('debit_card', debit_fee_bps::smallint, 0::smallint)
) AS card (method, bps, days);

ALTER TABLE payables ADD COLUMN plan_id UUID, ADD COLUMN original_due_on DATE;

-- A due date moves once, while the payable waits; what was paid stays so. After the row is written, and without a call
-- of a function for any other change: a settlement changes thousands at once.
CREATE TRIGGER payables_move_once AFTER UPDATE ON payables FOR EACH ROW WHEN (
    OLD.status = 'paid' AND NEW.status <> 'paid'
    OR (OLD.due_on, OLD.original_due_on) IS DISTINCT FROM (NEW.due_on, NEW.original_due_on)
       AND (OLD.status = 'waiting_funds' AND NEW.status = 'waiting_funds' AND OLD.original_due_on IS NULL
            AND NEW.original_due_on = OLD.due_on AND NEW.due_on <> OLD.due_on) IS NOT TRUE
) EXECUTE FUNCTION refuse_change();

REVOKE EXECUTE ON FUNCTION keep_plan_rule(), make_rules_of_fee_plan() FROM PUBLIC;

-- A merchant sees its own rules and those for all, but not why somebody wrote them.
GRANT SELECT (
    id, customer_id, payment_method, card_brand, currency, installments, fee_bps, fee_fixed_minor, fee_min_minor,
    fee_max_minor, rounding, fee_basis, delay, delay_unit, step, step_unit, calendar, roll, zone, closes_at, paid_from,
    valid, created_at
) ON plan_rules TO psp_merchant;
GRANT SELECT (calendar, day) ON holidays TO psp_merchant;
GRANT SELECT ON plan_rules, holidays TO psp_runs, psp_support;
GRANT INSERT, UPDATE (valid, ended_at) ON plan_rules TO psp_operator;
GRANT INSERT ON holidays TO psp_operator;
GRANT UPDATE (due_on, original_due_on, payment_at) ON payables TO psp_operator;

ALTER TABLE plan_rules ENABLE ROW LEVEL SECURITY;
ALTER TABLE plan_rules FORCE ROW LEVEL SECURITY;
ALTER TABLE holidays ENABLE ROW LEVEL SECURITY;
ALTER TABLE holidays FORCE ROW LEVEL SECURITY;
CREATE POLICY plan_rules_of_the_merchant ON plan_rules FOR SELECT TO psp_merchant
    USING (customer_id IS NULL OR customer_id = current_setting('psp.customer_id', true));
CREATE POLICY plan_rules_read_by_runs ON plan_rules FOR SELECT TO psp_runs USING (true);
CREATE POLICY plan_rules_for_support ON plan_rules FOR SELECT TO psp_support USING (true);
CREATE POLICY plan_rules_of_the_operators ON plan_rules TO psp_operator USING (true) WITH CHECK (true);
CREATE POLICY holidays_of_everybody ON holidays FOR SELECT TO psp_merchant USING (true);
CREATE POLICY holidays_read_by_runs ON holidays FOR SELECT TO psp_runs USING (true);
CREATE POLICY holidays_for_support ON holidays FOR SELECT TO psp_support USING (true);
CREATE POLICY holidays_of_the_operators ON holidays FOR INSERT TO psp_operator WITH CHECK (true);
-- Beside payables_paid_by_runs: what waits, and goes on waiting for another date.
CREATE POLICY payables_moved_by_operators ON payables FOR UPDATE TO psp_operator
    USING (status = 'waiting_funds') WITH CHECK (status = 'waiting_funds' AND original_due_on IS NOT NULL);
