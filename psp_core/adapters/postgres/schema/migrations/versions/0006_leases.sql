CREATE TABLE leases (
    name TEXT NOT NULL,
    token UUID NOT NULL,
    holder TEXT NOT NULL,
    first_due_on DATE,
    last_due_on DATE,
    taken_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lapses_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT leases_pkey PRIMARY KEY (name),
    -- Makes the token a key: to change it, Postgres waits for whoever looked at it FOR KEY SHARE.
    CONSTRAINT leases_token_key UNIQUE (token),
    CONSTRAINT leases_due_dates_check
        CHECK ((first_due_on IS NULL) = (last_due_on IS NULL) AND first_due_on <= last_due_on),
    CONSTRAINT leases_lapse_check CHECK (lapses_at > taken_at)
);
