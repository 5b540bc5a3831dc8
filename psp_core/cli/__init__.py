"""The command line: `psp --help` lists what an operator or a start-up script can do."""
