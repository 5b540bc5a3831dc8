"""The queue becomes payables: the asset, what requests its runs, and the repair of what was lost."""
