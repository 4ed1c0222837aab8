"""The command line: every command is a client of the HTTP API, over the network or in this process."""

from incidents.app.cli.program import main

__all__ = ["main"]
