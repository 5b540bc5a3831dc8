"""Child processes that end with their owner, and the supervisor that keeps them running until then."""
