"""One file for each business action; the same action whether HTTP, the queue, Dagster or a shell starts it."""
