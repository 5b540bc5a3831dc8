"""What every feature here stands on: the core as a resource, runs and their tags, failures, what is shown."""
