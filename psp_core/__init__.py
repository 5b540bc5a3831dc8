"""The settlement core: what a transaction becomes, when it is due, and that it is paid once."""
