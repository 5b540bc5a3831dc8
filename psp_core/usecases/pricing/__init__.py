"""Merchants' terms."""
