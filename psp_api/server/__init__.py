"""What serves every feature: the worker, its protocol, what is observed of a request, and its wire."""
