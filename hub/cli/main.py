"""All commands in one place; the module of a command is loaded when it is called, and no other."""

import gc
import os
import sys
from collections import UserDict
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hub.cli.say import FAILED, err

COMMANDS = {
    "check": "files:check",
    "lineage": "files:lineage",
    "qr": "sheets:qr",
    "serve": "running:serve",
    "work": "running:work",
    "migrate": "running:migrate",
    "backup": "keeping:backup",
    "restore": "keeping:restore",
    "erase": "keeping:erase",
    "photos": "photos:photos",
    "submit": "client:submit",
    "deliveries": "client:deliveries",
    "replay": "client:replay",
    "pull": "client:pull",
    "open-items": "pulled:open_items",
    "dismiss": "pulled:dismiss",
    "solve": "pulled:solve",
    "link": "pulled:link",
    "part": "pulled:part",
    "token": "people:token",
    "account": "people:account",
    "divisions": "people:divisions",
    "demo": "main:demo",
}
"""Command -> module of this package and function in it, or group of further commands."""


class OnDemand(UserDict[str, Any]):
    """Commands by name, each made when asked for: who checks a file need not wait for web, database and scheduler."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - typer does not publish the type of its commands
        """Load the module of a command and return the command."""
        module, _, member = self.data[name].partition(":")
        found = getattr(import_module(f"hub.cli.{module}"), member)
        if isinstance(found, typer.Typer):
            command: Any = typer.main.get_group(found)
            command.name = name
            return command
        single = typer.Typer(add_completion=False)
        single.command(name)(found)
        return typer.main.get_command(single)


class Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - typer's own
        super().__init__(**attributes)
        self.commands = OnDemand(COMMANDS)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _hub() -> None:
    """一填通 FillOnce: fill once, use everywhere."""


def demo(
    once: Annotated[bool, typer.Option(help="Run the story, check every receipt, stop everything.")] = False,
    port: Annotated[int, typer.Option(help="Port of the hub's pages.")] = 8000,
    data: Annotated[Path | None, typer.Option(help="Folder to keep (var/county; with --once a temporary one).")] = None,
) -> None:
    """Run the simulated county and the story of one doorstep visit."""
    if not Path("deploy/county").is_dir():
        err.print("hub demo 需在源码目录中运行 / run hub demo inside a checkout", style="red")
        raise typer.Exit(FAILED)
    command = [sys.executable, "-m", "deploy.county", "--port", str(port)]
    command += ["--data", str(data)] if data else []
    os.execv(sys.executable, command + (["--once"] if once else []))  # noqa: S606 - our own module, no shell


def main() -> None:
    """Run the `hub` command."""
    # What is loaded at start stays: looking for garbage in it costs a quarter of the start. `serve` and `work` turn it
    # on again once they stand; the other commands end before it would matter.
    gc.disable()
    app()
