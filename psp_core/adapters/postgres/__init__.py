"""Postgres: the only truth. Constraints decide, statements move many rows, a commit is one unit of work."""
