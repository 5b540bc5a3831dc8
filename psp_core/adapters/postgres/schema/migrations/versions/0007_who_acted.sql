-- Who did it: not known of rows that are older, or that an older program writes meanwhile.
ALTER TABLE operator_actions ADD COLUMN actor TEXT;

-- How it ended, added once: an action without a row was killed before it could say. Of a Dagster run, Dagster knows.
CREATE TABLE operator_action_outcomes (
    action_id UUID NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT operator_action_outcomes_pkey PRIMARY KEY (action_id),
    CONSTRAINT operator_action_outcomes_action_fkey FOREIGN KEY (action_id) REFERENCES operator_actions (id),
    CONSTRAINT operator_action_outcomes_outcome_check CHECK (outcome IN ('done', 'refused', 'failed'))
);

CREATE TRIGGER operator_action_outcomes_are_append_only BEFORE UPDATE OR DELETE ON operator_action_outcomes
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
