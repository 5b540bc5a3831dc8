-- Runs once, when the volume is empty: a database and a user that owns it for the platform, and the same for Dagster.
-- Neither is a superuser, as on AWS (infrastructure/bin/setup_database.py). The programs' own logins are made at each
-- start, by the service logins.
\getenv psp_password PSP_DATABASE_PASSWORD
\getenv dagster_password DAGSTER_PG_PASSWORD

CREATE ROLE psp LOGIN PASSWORD :'psp_password';
CREATE DATABASE psp OWNER psp;
REVOKE ALL ON DATABASE psp FROM PUBLIC;

CREATE ROLE dagster LOGIN PASSWORD :'dagster_password';
CREATE DATABASE dagster OWNER dagster;
REVOKE ALL ON DATABASE dagster FROM PUBLIC;
