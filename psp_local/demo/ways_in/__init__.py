"""The public ways into the platform: its HTTP API, Dagster's GraphQL, and the `psp` command line."""
