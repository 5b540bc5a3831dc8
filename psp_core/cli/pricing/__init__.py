"""The rules of prices, and the days that were closed."""
