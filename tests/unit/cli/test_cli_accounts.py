"""account: an operator at the machine makes, disables, resets and lists accounts, hub stopped or on PostgreSQL."""

from pathlib import Path

import pytest
from sqlmodel import select

from hub.cli.people import clock
from hub.model import JournalEntry
from hub.model.people import Account, ApiToken, Role
from hub.store import Session
from hub.store.credentials import digest, is_password
from hub.store.query import people
from hub.store.query.people import NewAccount
from tests.some_connectors.county import VILLAGE
from tests.unit.cli.conftest import Run, flat
from tests.unit.cli.test_cli_people import write

LEI = ("chen.lei", "--name", " 陈[/]雷 ", "--role", "staff", "--division", VILLAGE)
CSV = "code,level,name,parent_code\n330783005001,village,新村,330783005000\n"


def found(database: str, login: str) -> Account:
    kept = write(database, lambda session: people.account_named(session, login))
    assert kept is not None
    return kept


def deeds(database: str) -> list[tuple[str, str, str]]:
    def read(session: Session) -> list[tuple[str, str, str]]:
        return [(e.account_id, e.action, e.why) for e in session.exec(select(JournalEntry).order_by(JournalEntry.id))]

    return write(database, read)


def test_add_prints_a_password_that_must_be_changed(run: Run, database: str) -> None:
    result = run("account", "add", *LEI, "--staff-number", "DY-1", "--phone", "19900000107")
    assert (result.exit_code, result.stderr) == (0, "")
    kept = found(database, "chen.lei")
    assert is_password(result.stdout.strip(), kept.password_hash)
    assert (kept.name, kept.role, kept.division) == ("陈[/]雷", Role.STAFF, VILLAGE)
    assert (kept.staff_number, kept.phone, kept.must_change_password) == ("DY-1", "19900000107", True)
    assert deeds(database) == [("", "account.created", "")]


def test_a_login_is_given_once(run: Run, database: str) -> None:
    assert run("account", "add", *LEI).exit_code == 0
    again = run("account", "add", *LEI)
    assert (again.exit_code, again.stdout) == (1, "")
    assert "chen.lei" in again.stderr


@pytest.mark.parametrize(("words", "said"), [
    (("--division", "330783"), "/division: A division code has 12 digits. For example"),
    (("--division", "330783005999"), "/division: The table of divisions does not have this code. Check"),
    (("--role", "department_admin"), "/department: A department administrator needs a department. Give"),
])  # fmt: skip
def test_what_does_not_fit_is_named(run: Run, database: str, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    file = tmp_path / "divisions.csv"
    file.write_text(CSV + f"330783005000,town,镇,\n{VILLAGE},village,老村,330783005000\n", encoding="utf-8")
    assert run("divisions", "import", str(file)).exit_code == 0
    result = run("account", "add", *LEI, *words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in flat(result.stderr)
    assert write(database, lambda session: people.listed_accounts(session, None)) == []


def test_a_role_nobody_has(run: Run, database: str) -> None:
    result = run("account", "add", *LEI, "--role", "king")
    assert (result.exit_code, "department_admin" in result.stderr) == (2, True)
    assert database


def test_disable_ends_tokens_and_says_so_in_the_list(run: Run, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now()
    new = NewAccount("ada", "Ada", Role.OPERATOR, VILLAGE, "x")
    write(database, lambda session: people.create_account(session, new, now) and None)
    assert run("account", "add", *LEI).exit_code == 0
    token = ApiToken(token_digest=digest("t"), account_id="", name="t", created_at=now)
    write(database, lambda session: people.add_token(session, "chen.lei", token))
    listed = flat(run("account", "list").stdout)
    assert f"chen.lei 陈[/]雷 staff {VILLAGE} one-time password" in listed
    assert f"ada Ada operator {VILLAGE} in use" in listed
    assert run("account", "disable", "chen.lei").stdout == "chen.lei 已停用 / disabled\n"
    assert write(database, lambda session: people.token_accounts(session, [(digest("t"), now)])[0]) is None
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert f"{VILLAGE} 已停用" in flat(run("account", "list").stdout)
    assert [action for _, action, _ in deeds(database)] == ["account.created", "account.disabled"]


def test_reset_prints_a_new_password(run: Run, database: str) -> None:
    old = run("account", "add", *LEI).stdout.strip()
    new = run("account", "reset", "chen.lei").stdout.strip()
    kept = found(database, "chen.lei")
    assert is_password(new, kept.password_hash)
    assert not is_password(old, kept.password_hash)
    assert deeds(database)[-1] == ("", "account.password_reset", "")


@pytest.mark.parametrize("command", ["disable", "reset"])
def test_nobody_of_that_login(run: Run, database: str, command: str) -> None:
    result = run("account", command, "zoe")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "zoe" in result.stderr
    assert database
