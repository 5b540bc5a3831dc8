"""The outbox is relayed to the queue."""
