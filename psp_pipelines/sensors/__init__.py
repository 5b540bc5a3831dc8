"""What is watched all the time, and the runs that are requested when something is found."""
