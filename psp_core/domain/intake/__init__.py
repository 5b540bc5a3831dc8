"""Card transactions as they come in: their facts, their cards, the keys that make a request count once."""
