"""All commands in one place, each a few lines that call the hub."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from hub.cli import client, files, people, running
from hub.cli.say import FAILED, err

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="一填通 FillOnce: fill once, use everywhere.",
)
token = typer.Typer(no_args_is_help=True, help="API tokens for programs.")
account = typer.Typer(no_args_is_help=True, help="Who may sign in.")
divisions = typer.Typer(no_args_is_help=True, help="The table of administrative divisions.")
app.add_typer(token, name="token")
app.add_typer(account, name="account")
app.add_typer(divisions, name="divisions")

app.command("check")(files.check)
app.command("lineage")(files.lineage)
app.command("qr")(files.qr)
app.command("serve")(running.serve)
app.command("work")(running.work)
app.command("migrate")(running.migrate)
app.command("submit")(client.submit)
app.command("deliveries")(client.deliveries)
app.command("replay")(client.replay)
app.command("pull")(client.pull)
token.command("create")(people.create_token)
token.command("revoke")(people.revoke_token)
account.command("add")(people.add_account)
account.command("disable")(people.disable_account)
account.command("list")(people.list_accounts)
account.command("reset")(people.reset_account)
divisions.command("import")(people.import_divisions)


@app.command("demo")
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
    app()
