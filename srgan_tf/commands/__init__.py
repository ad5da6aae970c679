"""The command line: one module with a main() for each subcommand."""
