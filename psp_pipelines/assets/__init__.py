"""What finance operations see: each file is one asset, and each asset calls one use case."""
