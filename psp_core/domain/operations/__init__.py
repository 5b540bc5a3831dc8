"""What people do by hand, and what must be known of the runs that work."""
