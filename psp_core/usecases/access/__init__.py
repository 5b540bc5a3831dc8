"""Who may call for a merchant."""
