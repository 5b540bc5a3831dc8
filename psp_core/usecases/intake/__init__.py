"""Transactions are accepted, and read back."""
