"""Transactions and idempotency keys in Postgres; a group commit is one statement."""
