"""What merchants send and get: the only place that knows the names and formats of the wire."""
