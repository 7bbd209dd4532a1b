"""The `hub` command: parses and calls. docs/commands.md lists every command."""

import sys

from hub.worker.stop import stop

if sys.argv[1:] in (["serve"], ["work"]):
    # Before the rest is loaded, half of the start. Other commands die of a signal: their 0 would say that it is done.
    stop.listen()

from hub.cli.main import main

__all__ = ["main"]
