"""The merchants' way in: HTTP in front of the core's use cases. Decode, call, encode."""
