"""Money that merchants give back."""
