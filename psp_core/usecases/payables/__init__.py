"""The queue is drained into payables, and what was lost on the way is found again."""
