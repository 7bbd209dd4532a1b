"""token, account, divisions: commands that write into the database of a hub not running, or on PostgreSQL."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.markup import escape
from rich.table import Table

from hub.cli.say import language, out, read_settings, speaking
from hub.clock import SystemClock, civil_day
from hub.model.people import Account, ApiToken, Role
from hub.settings import Settings
from hub.store import Session, open_store
from hub.store.credentials import digest, hash_password, new_password, new_token
from hub.store.query import divisions as division_table
from hub.store.query import people
from hub.store.query.people import Change, NewAccount

T = TypeVar("T")
clock = SystemClock()
token = typer.Typer(no_args_is_help=True, add_completion=False, help="API tokens for programs.")
account = typer.Typer(no_args_is_help=True, add_completion=False, help="Who may sign in.")
divisions = typer.Typer(no_args_is_help=True, add_completion=False, help="The table of administrative divisions.")
_COLUMNS = {"登录名 / login": 8, "姓名 / name": 6, "角色 / role": 5, "区划 / division": 12, "部门 / department": 6,
            "状态 / state": 8}  # fmt: skip
"""Columns of the list of accounts, with the width below which they would be hard to read."""


def _write(settings: Settings, write: Callable[[Session], T]) -> T:
    """Run one write on a store opened for it; refused with a clear text while `hub serve` holds a SQLite file."""

    async def run() -> T:
        store = open_store(settings.database, settings.durability)
        try:
            return await store.write(write)
        finally:
            await store.close()

    return asyncio.run(run())


@token.command("create")
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


@token.command("revoke")
def revoke_token(
    login: Annotated[str, typer.Argument(help="The account the token acts as.")],
    name: Annotated[str, typer.Option(help="Which of its tokens.")] = "cli",
) -> None:
    """End an account's tokens of a name at once."""
    settings = read_settings()
    with speaking(settings):
        count = _write(settings, lambda session: people.revoke_tokens(session, login, name, clock.now()))
        out.print(f"{count} 个令牌已作废 / tokens revoked")


@account.command("add")
def add_account(  # noqa: PLR0913 - an option for every field
    login: Annotated[str, typer.Argument(help="2 to 40 of a-z 0-9 . _ - and a letter first.")],
    *,
    name: Annotated[str, typer.Option(help="The person's name.")],
    role: Annotated[Role, typer.Option(help="What the person may do.")],
    division: Annotated[str, typer.Option(help="12-digit division the person acts in.")],
    department: Annotated[str, typer.Option(help="Owner of Systems; needed for department_admin.")] = "",
    staff_number: Annotated[str, typer.Option(help="As departments know the person.")] = "",
    phone: Annotated[str, typer.Option(help="As departments may call the person.")] = "",
) -> None:
    """Give somebody an account and print its one-time password; it is shown this once."""
    settings = read_settings()
    password = new_password()
    new = NewAccount(
        login, name.strip(), role, division, hash_password(password), department, staff_number, phone,
        must_change_password=True,
    )  # fmt: skip
    with speaking(settings):
        _write(settings, lambda session: people.open_account(session, new, None, clock.now()))
        out.print(password, soft_wrap=True, highlight=False, markup=False)


@account.command("reset")
def reset_account(login: Annotated[str, typer.Argument(help="Whose password is lost.")]) -> None:
    """Print a new one-time password for an account and end its sessions; shown this once."""
    password = new_password()
    _change(login, Change(password_hash=hash_password(password)))
    out.print(password, soft_wrap=True, highlight=False, markup=False)


@account.command("disable")
def disable_account(login: Annotated[str, typer.Argument(help="Who is not to sign in any more.")]) -> None:
    """Disable an account: its sessions end, its tokens are revoked, what it did stays."""
    _change(login, Change(disabled=True))
    out.print(f"{escape(login)} 已停用 / disabled", highlight=False)


def _change(login: str, change: Change) -> Account:
    settings = read_settings()
    with speaking(settings):
        return _write(settings, lambda session: people.change_account(session, login, change, None, clock.now()))


@account.command("list")
def list_accounts() -> None:
    """List every account: who may do what where. Phones are not shown."""
    settings = read_settings()
    with speaking(settings):
        found = _write(settings, lambda session: people.listed_accounts(session, None))
        table = Table()
        for title, least in _COLUMNS.items():
            table.add_column(title, min_width=least, overflow="fold")
        for one in found:
            words = (one.login, one.name, one.role, one.division, one.department, _state(one))
            table.add_row(*map(escape, words))
        out.print(table)


def _state(kept: Account) -> str:
    states = {"zh": ("已停用", "待改初始口令", "正常"), "en": ("disabled", "one-time password", "in use")}[language()]
    return states[0 if kept.disabled_at else 1 if kept.must_change_password else 2]


@divisions.command("import")
def import_divisions(
    file: Annotated[Path, typer.Argument(exists=True, help="CSV: code, level, name, parent_code.")],
    valid_from: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Valid from this day.")] = None,
    encoding: Annotated[str, typer.Option(help="utf-8, or gb18030 as Chinese Excel writes it.")] = "utf-8",
) -> None:
    """Record a list of divisions as valid from a day; what was known before is kept, an older list is history only."""
    settings = read_settings()
    with speaking(settings):
        day = valid_from.date() if valid_from else civil_day(clock.now())
        lines = division_table.read_lines(file, encoding)
        count = _write(settings, lambda session: division_table.import_lines(session, lines, day, clock.now()))
        out.print(f"{count} 个区划新增或变更 / divisions new or changed")
