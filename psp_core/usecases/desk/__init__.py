"""What is read over all features."""
