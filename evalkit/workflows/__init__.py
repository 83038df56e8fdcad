"""One module for each command: its logic, without the command line and without printing."""
