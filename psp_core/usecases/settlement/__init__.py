"""Due payables are paid and reported."""
