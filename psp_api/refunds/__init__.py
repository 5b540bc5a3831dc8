"""Refunds: given, and read back."""
