"""Pure rules: no clock, no network, no database. Everything here can be read and tested alone."""
