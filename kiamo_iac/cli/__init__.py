"""The command line: one file a command; a command parses, calls one function of the workspace and renders."""
