"""One file for each command: what it does, without a word of how it is called or printed."""
