"""The `hub` command: parses and calls. docs/commands.md lists every command."""

from hub.cli.main import main

__all__ = ["main"]
