"""The command line: typer commands, no logic."""
