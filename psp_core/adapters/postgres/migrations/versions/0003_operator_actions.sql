CREATE TABLE operator_actions (
    id UUID NOT NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL,
    run_id TEXT NOT NULL,
    details JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT operator_actions_pkey PRIMARY KEY (id),
    CONSTRAINT operator_actions_run_key UNIQUE (run_id, action),
    CONSTRAINT operator_actions_reason_check CHECK (length(trim(reason)) BETWEEN 1 AND 1000)
);

CREATE TRIGGER operator_actions_are_append_only BEFORE UPDATE OR DELETE ON operator_actions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The lines of a settlement: for its report, and for the merchant who lists them.
CREATE INDEX payables_settlement_idx ON payables (settlement_id, id) WHERE settlement_id IS NOT NULL;
