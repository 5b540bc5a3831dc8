"""The schema: tables, migrations, and how a database is brought to the newest."""
