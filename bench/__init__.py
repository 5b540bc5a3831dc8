"""Measures every hop of the platform beside a bare baseline, on the same server and in the same run: `make bench`."""
