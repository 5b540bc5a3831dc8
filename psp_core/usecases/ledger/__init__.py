"""What everybody has: the opening of the ledger, its days and its proof."""
