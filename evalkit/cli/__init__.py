"""The command line: one module for each command; large packages are imported only when they are needed."""
