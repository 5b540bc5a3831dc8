"""The ledger: what everybody has, as entries that add up to zero."""
