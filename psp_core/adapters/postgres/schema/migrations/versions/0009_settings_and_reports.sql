CREATE TABLE platform_settings (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT platform_settings_pkey PRIMARY KEY (name),
    CONSTRAINT platform_settings_name_check CHECK (name IN ('time_zone'))
);

CREATE TABLE settlement_reports (
    due_on DATE NOT NULL,
    version BIGINT NOT NULL,
    format SMALLINT NOT NULL,
    folder TEXT NOT NULL,
    files JSONB NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT settlement_reports_pkey PRIMARY KEY (due_on),
    CONSTRAINT settlement_reports_version_check CHECK (version >= 0 AND format > 0)
);

-- Every program compares its time zone with the one that is kept; only a migration's owner keeps it.
GRANT SELECT ON platform_settings TO psp_api, psp_relay, psp_runs, psp_support;
GRANT SELECT, INSERT, UPDATE ON settlement_reports TO psp_runs;
GRANT SELECT ON settlement_reports TO psp_support;
