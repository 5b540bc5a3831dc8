"""The ledger, as operators see it."""
