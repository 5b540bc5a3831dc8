"""Asset checks: what must be true, asked of the data itself."""
