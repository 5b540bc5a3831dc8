"""What the platform keeps of a transaction, and when a merchant is paid."""
