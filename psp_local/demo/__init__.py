"""What `make demo` shows: a day's traffic of some merchants, settled; all of it through the public ways in."""
