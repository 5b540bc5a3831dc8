"""Jobs that make no data: repair, redrive, clean up."""
