-- May be run again after it was killed before the index was there.
ALTER TABLE settlements
    ADD COLUMN IF NOT EXISTS available_count BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS available_gross_minor BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS available_fee_minor BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS available_net_minor BIGINT NOT NULL DEFAULT 0,
    -- Wider: it may pay out nothing, where all was available already. Not looked for in old rows under this lock.
    DROP CONSTRAINT IF EXISTS settlements_count_check,
    ADD CONSTRAINT settlements_count_check CHECK (
        payable_count >= 0 AND available_count >= 0 AND payable_count + available_count > 0 AND sequence > 0
    ) NOT VALID,
    DROP CONSTRAINT IF EXISTS settlements_available_check,
    ADD CONSTRAINT settlements_available_check CHECK (
        available_gross_minor = available_fee_minor + available_net_minor
    ) NOT VALID;

GRANT UPDATE (available_count, available_gross_minor, available_fee_minor, available_net_minor)
    ON settlements TO psp_runs;
