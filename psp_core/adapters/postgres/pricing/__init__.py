"""Terms in Postgres."""
