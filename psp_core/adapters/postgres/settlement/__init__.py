"""Settlements in Postgres, and the lines of their reports."""
