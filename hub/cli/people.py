"""token and divisions: commands that write into the database of a hub that is not running, or is on PostgreSQL."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from hub.cli.say import out, read_settings, speaking
from hub.clock import SystemClock
from hub.model.people import ApiToken
from hub.settings import Settings
from hub.store import Session, open_store
from hub.store.credentials import digest, new_token
from hub.store.query import divisions, people

T = TypeVar("T")
clock = SystemClock()


def _write(settings: Settings, write: Callable[[Session], T]) -> T:
    """Run one write on a store opened for it; refused with a clear text while `hub serve` holds a SQLite file."""

    async def run() -> T:
        store = open_store(settings.database, settings.durability)
        try:
            return await store.write(write)
        finally:
            await store.close()

    return asyncio.run(run())


def create_token(
    login: Annotated[str, typer.Argument(help="The account the token acts as.")],
    name: Annotated[str, typer.Option(help="What it is for.")] = "cli",
    days: Annotated[int, typer.Option(help="Days until it expires.")] = 90,
) -> None:
    """Print a new API token; it is shown this once."""
    settings = read_settings()
    now = clock.now()
    plain = new_token()
    row = ApiToken(
        token_digest=digest(plain), account_id="", name=name, created_at=now, expires_at=now + timedelta(days=days)
    )
    with speaking(settings):
        _write(settings, lambda session: people.add_token(session, login, row))
        out.print(plain, soft_wrap=True, highlight=False)


def revoke_token(
    login: Annotated[str, typer.Argument(help="The account the token acts as.")],
    name: Annotated[str, typer.Option(help="Which of its tokens.")] = "cli",
) -> None:
    """End an account's tokens of a name at once."""
    settings = read_settings()
    with speaking(settings):
        count = _write(settings, lambda session: people.revoke_tokens(session, login, name, clock.now()))
        out.print(f"{count} 个令牌已作废 / tokens revoked")


def import_divisions(
    file: Annotated[Path, typer.Argument(exists=True, help="CSV: code, level, name, parent_code.")],
    valid_from: Annotated[str, typer.Option(help="Valid from this day (YYYY-MM-DD).")] = "",
) -> None:
    """Record a list of divisions as valid from a day; what was known before is kept."""
    settings = read_settings()
    with speaking(settings):
        day = date.fromisoformat(valid_from) if valid_from else clock.now().date()
        lines = list(divisions.read_lines(file))
        count = _write(settings, lambda session: divisions.import_lines(session, lines, day, clock.now()))
        out.print(f"{count} 个区划新增或变更 / divisions new or changed")
