"""token, divisions and migrate: commands that write into the database."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from hub.clock import SystemClock, civil_day
from hub.model.people import Role
from hub.store import Session, open_store
from hub.store.credentials import digest
from hub.store.engine import lock_file
from hub.store.query import people
from hub.store.query.people import NewAccount
from tests.some_connectors.county import VILLAGE
from tests.unit.cli.conftest import Run, flat

T = TypeVar("T")
CSV = "code,level,name,parent_code\n330783005000,town,镇,\n330783005004,village,老村,330783005000\n"


def write(database: str, change: Callable[[Session], T]) -> T:
    async def act() -> T:
        store = open_store(database)
        try:
            return await store.write(change)
        finally:
            await store.close()

    return asyncio.run(act())


@pytest.fixture
def ada(database: str) -> str:
    """The database with one account."""
    now = SystemClock().now()
    write(
        database, lambda s: people.create_account(s, NewAccount("ada", "Ada", Role.STAFF, VILLAGE, "x"), now) and None
    )
    return database


@pytest.fixture
def held(database: str) -> Iterator[None]:
    """Somebody else, a hub that serves, has the database."""
    lock = lock_file(database)
    yield
    assert lock is not None
    lock.close()


def test_a_token_works_until_it_is_revoked(run: Run, ada: str) -> None:
    result = run("token", "create", "ada", "--name", "loader", "--days", "2")
    token = result.stdout.strip()
    assert result.exit_code == 0
    assert token.startswith("fo_")
    now = SystemClock().now()

    def who(at: timedelta) -> str | None:
        found = write(ada, lambda session: people.token_accounts(session, [(digest(token), now + at)])[0])
        return found.login if found else None

    assert (who(timedelta(days=1)), who(timedelta(days=3))) == ("ada", None)
    assert token.encode() not in Path(ada.removeprefix("sqlite:///")).read_bytes()
    assert "0 " in run("token", "revoke", "ada").stdout
    assert "1 " in run("token", "revoke", "ada", "--name", "loader").stdout
    assert who(timedelta(0)) is None


def test_a_token_for_nobody(run: Run, ada: str) -> None:
    result = run("token", "create", "bob")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no account “bob”" in flat(result.stderr)
    assert "Check the login." in flat(result.stderr)


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("words", [("token", "create", "ada"), ("token", "revoke", "ada"), ("migrate",)])
def test_a_database_somebody_serves_is_left_alone(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Another process holds the database" in flat(result.stderr)
    assert "Stop the other hub first, or use PostgreSQL." in flat(result.stderr)


def test_divisions_are_imported_once(run: Run, database: str, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(CSV, encoding="utf-8")
    assert run("divisions", "import", str(file), "--valid-from", "2026-01-01").stdout.startswith("2 ")
    assert run("divisions", "import", str(file)).stdout.startswith("0 ")
    file.write_text(CSV.replace("老", "新"), encoding="utf-8")
    assert run("divisions", "import", str(file)).stdout.startswith("1 ")
    file.write_text(CSV.replace("老", "更老的"), encoding="utf-8")
    assert run("divisions", "import", str(file), "--valid-from", "2020-01-01").stdout.startswith("2 ")
    with sqlite3.connect(database.removeprefix("sqlite:///")) as connection:
        rows = connection.execute(
            "select name, valid_from, valid_to from division where superseded_at is null and level = 'village'"
        ).fetchall()
    connection.close()
    today = civil_day(SystemClock().now()).isoformat()
    assert sorted(rows) == [
        ("新村", today, None), ("更老的村", "2020-01-01", "2026-01-01"), ("老村", "2026-01-01", today)
    ]  # fmt: skip


@pytest.mark.usefixtures("database")
def test_a_bad_list_is_named_with_its_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(CSV + "1,banana,x,\n", encoding="utf-8")
    result = run("divisions", "import", str(file))
    assert (result.exit_code, "nothing was imported" in flat(result.stderr)) == (1, True)
    assert "/4/code: A division code has 12 digits." in flat(result.stderr)
    assert "/4/level: There is no such level. Write one of: province" in flat(result.stderr)
    file.write_bytes(CSV.encode("gbk"))
    result = run("divisions", "import", str(file))
    assert (result.exit_code, "list.csv is not in this encoding" in flat(result.stderr)) == (1, True)
    assert run("divisions", "import", str(file), "--encoding", "gb18030").stdout.startswith("2 ")
    result = run("divisions", "import", str(file), "--valid-from", "soon")
    assert (result.exit_code, "soon" in result.stderr) == (2, True)
    assert run("divisions", "import", str(tmp_path / "none.csv")).exit_code == 2


def test_migrate_makes_the_schema_and_may_be_repeated(run: Run, tmp_path: Path) -> None:
    for _ in range(2):
        result = run("migrate")
        assert (result.exit_code, "the database is current" in result.stdout) == (0, True)
    assert "token" not in run("token", "revoke", "ada").stderr
    assert (tmp_path / "data/hub.db").exists()


def test_a_database_without_schema_is_told_not_thrown(run: Run) -> None:
    result = run("token", "create", "ada")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr
