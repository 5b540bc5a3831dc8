"""Dagster's webserver with a guard in front, and who it was that launched a run."""
