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
