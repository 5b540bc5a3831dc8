"""Books and what people did by hand, in Postgres."""
