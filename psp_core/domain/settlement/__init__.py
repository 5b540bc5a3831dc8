"""Settlements of a due date, and the lines of their report."""
