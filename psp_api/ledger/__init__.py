"""`/balance`: what a merchant has."""
