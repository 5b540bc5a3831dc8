"""What an environment would be, as tables: the same that `infrastructure/promises.md` says must be."""
