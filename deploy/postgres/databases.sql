-- Runs once, when the volume is empty: a database and a user that owns it for the platform, and the same for Dagster.
-- Neither is a superuser, as on AWS (infrastructure/bin/setup_database.py).
\getenv psp_password PSP_DATABASE_PASSWORD
\getenv dagster_password DAGSTER_PG_PASSWORD

CREATE ROLE psp LOGIN PASSWORD :'psp_password';
CREATE DATABASE psp OWNER psp;
REVOKE ALL ON DATABASE psp FROM PUBLIC;

CREATE ROLE dagster LOGIN PASSWORD :'dagster_password';
CREATE DATABASE dagster OWNER dagster;
REVOKE ALL ON DATABASE dagster FROM PUBLIC;

-- The role under which a merchant's reads see that merchant's rows only. A migration would make it, but for that the
-- platform's user would have to make roles.
CREATE ROLE psp_merchant NOLOGIN;
GRANT psp_merchant TO psp;
