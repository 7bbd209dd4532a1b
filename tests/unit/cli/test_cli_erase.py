"""hub erase: one submission or all beyond a term, with a reason; refused in words (F31)."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select, update

from hub.clock import SystemClock
from hub.model import Account, Delivery, JournalEntry, Record, Submission
from hub.model.delivery import State
from hub.store import Session
from hub.store.engine import lock_file
from hub.store.query import retention
from tests.builders import account, delivery, record, submission
from tests.unit.cli.conftest import Run, flat
from tests.unit.cli.test_cli_people import write

NOBODY = "0198c1de-7c1e-7a01-9d3f-5f1d3a1f0c11"
WHY = ("--why", "its time is over")
pytestmark = pytest.mark.fault("F31")


@pytest.fixture
def old(database: str) -> tuple[str, list[str]]:
    """The database with three submissions of four, two and one years ago, and their ids."""
    now, author = SystemClock().now(), account(login="opal")

    def fill(session: Session) -> list[str]:
        session.add(author)
        session.flush()
        subs = [submission(author, received_at=now - timedelta(days=365 * years)) for years in (4, 2, 1)]
        records = [record(sub) for sub in subs]
        owed = [delivery(of, author, state=State.DELIVERED, due_at=None) for of in records]
        in_use = [JournalEntry(at=now, account_id=author.id, action="account.created", subject=author.id)]
        for rows in (subs, records, owed, in_use):
            session.add_all(rows)
            session.flush()
        return [sub.id for sub in subs]

    return database, write(database, fill)


def erased(database: str) -> list[str]:
    query = select(Submission.id).where(col(Submission.erased_at).is_not(None))
    return write(database, lambda session: list(session.exec(query.order_by(Submission.received_at))))


def proofs(database: str) -> list[tuple[str, str]]:
    query = select(Account.login, JournalEntry.why).join(Account, Account.id == JournalEntry.account_id, isouter=True)
    query = query.where(JournalEntry.action == "submission.erased")
    return write(database, lambda session: [(login or "", why) for login, why in session.exec(query)])


def test_one_is_erased_and_told(run: Run, old: tuple[str, list[str]]) -> None:
    database, (_, second, _) = old
    result = run("erase", second, *WHY, "--by", "opal")
    assert (result.exit_code, flat(result.stdout)) == (0, "已删除 / erased: delivery 1, record 1, submission 1")
    assert erased(database) == [second]
    assert proofs(database) == [("opal", "its time is over [delivery 1, record 1, submission 1]")]
    again = run("erase", second, *WHY)
    assert (again.exit_code, "This submission was erased on" in flat(again.stderr)) == (1, True)


def test_all_beyond_a_term_are_counted_and_then_erased(run: Run, old: tuple[str, list[str]]) -> None:
    database, ids = old
    write(database, lambda s: s.connection().execute(update(Delivery).where(Delivery.key.like(_of(s, ids[1])))
                                                     .values(state=State.PARKED)) and None)  # fmt: skip
    told = run("erase", "--older-than", "700d", *WHY, "--dry-run")
    assert flat(told.stdout) == "1 份提交将删除 / would be erased, 1 份未办结保留 / kept, something is open"
    assert erased(database) == []
    told = run("erase", "--older-than", "700d", *WHY)
    assert flat(told.stdout) == "1 份提交已删除 / erased, 1 份未办结保留 / kept, something is open"
    assert erased(database) == ids[:1]
    assert [who for who, _ in proofs(database)] == [""]


def _of(session: Session, submission_id: str) -> str:
    """What the key of a submission's Delivery is like."""
    return session.exec(select(Record.key).where(Record.submission_id == submission_id)).one() + "%"


def test_what_stands_in_the_way_is_named(run: Run, old: tuple[str, list[str]]) -> None:
    database, ids = old
    write(database, lambda s: s.connection().execute(update(Delivery).values(state=State.UNKNOWN)) and None)
    result = run("erase", ids[0], *WHY)
    assert result.exit_code == 1
    assert "Open: north: 1 “checking”." in flat(result.stderr)
    assert erased(database) == []


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("erase", NOBODY, *WHY), 1, "Not found"),
        (("erase", NOBODY, "--why", " "), 1, "Say why"),
        (("erase", NOBODY, *WHY, "--by", "nobody"), 1, "There is no account “nobody”"),
        (("erase", NOBODY), 2, "--why"),
        (("erase", *WHY), 2, "give one submission id, or --older-than"),
        (("erase", NOBODY, "--older-than", "1095d", *WHY), 2, "give one submission id, or --older-than"),
        (("erase", NOBODY, "--dry-run", *WHY), 2, "give one submission id, or --older-than"),
        (("erase", "--older-than", "184d", *WHY), 2, "at least 185 days"),
        (("erase", "--older-than", "3 years", *WHY), 2, "a length of time is written 1095d: 3 years"),
    ],
)
def test_wrong_input_is_told_with_what_to_do(run: Run, words: tuple[str, ...], code: int, said: str) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in flat(result.stderr)


def test_a_hub_that_serves_and_another_schema_are_left_alone(run: Run, database: str) -> None:
    lock = lock_file(database)
    assert "Another process holds the database" in flat(run("erase", NOBODY, *WHY).stderr)
    assert lock is not None
    lock.close()
    write(
        database, lambda s: s.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '0005'") and None
    )
    result = run("erase", NOBODY, *WHY)
    assert (result.exit_code, "The database has not this program's schema" in flat(result.stderr)) == (1, True)


def test_a_restore_says_that_it_undoes_erasures_and_the_term_does_them_again(
    run: Run, old: tuple[str, list[str]], tmp_path: Path
) -> None:
    database, ids = old
    copy = str(tmp_path / "copy.zip")
    assert run("backup", copy).exit_code == 0
    assert run("erase", "--older-than", "700d", *WHY).exit_code == 0
    assert erased(database) == ids[:2]
    result = run("restore", copy, "--force")
    assert result.exit_code == 0, result.stderr
    assert "Submissions erased since then are back" in flat(result.stderr)
    assert erased(database) == []
    assert run("erase", "--older-than", "700d", *WHY).exit_code == 0
    assert erased(database) == ids[:2]


def put(database: str, *rows: object) -> None:
    write(database, lambda session: session.add_all(rows))


@pytest.mark.case("C64")
@pytest.mark.fault("F86")
@pytest.mark.parametrize(("away", "why"), [(-400, "more than a week after it"), (400, "dated later than it shows")])
def test_a_clock_that_may_be_wrong_is_told_and_believed_on_a_person_s_word_only(
    run: Run, old: tuple[str, list[str]], away: int, why: str
) -> None:
    database, ids = old
    seen_at = SystemClock().now() + timedelta(days=away)
    write(database, lambda session: session.connection().execute(update(JournalEntry).values(at=seen_at)) and None)
    write(database, lambda session: retention.believe(session, min(seen_at, SystemClock().now())))
    counted = run("erase", "--older-than", "700d", *WHY, "--dry-run")
    assert counted.exit_code == 0
    assert why in flat(counted.stderr)
    told = run("erase", "--older-than", "700d", *WHY)
    assert (told.exit_code, erased(database)) == (1, [])
    assert "may be wrong; nothing was erased" in flat(told.stderr)
    assert why in flat(told.stderr)
    assert run("erase", "--older-than", "700d", *WHY, "--clock-is-right").exit_code == 0
    assert erased(database) == ids[:2]
    assert run("erase", "--older-than", "300d", *WHY).exit_code == 0, "it is believed from then on"
    assert erased(database) == ids


@pytest.mark.case("C64")
@pytest.mark.fault("F86")
def test_more_than_the_share_goes_on_a_person_s_word_only(run: Run, old: tuple[str, list[str]]) -> None:
    database, _ = old
    author = write(database, lambda session: session.exec(select(Account)).one())
    old_at = SystemClock().now() - timedelta(days=800)
    put(database, *(submission(author, received_at=old_at) for _ in range(9)))
    counted = run("erase", "--older-than", "700d", *WHY, "--dry-run")
    assert flat(counted.stdout) == "11 份提交将删除 / would be erased, 0 份未办结保留 / kept, something is open"
    assert "More than 10 submissions are over their term" in flat(counted.stderr)
    told = run("erase", "--older-than", "700d", *WHY)
    assert (told.exit_code, erased(database)) == (1, [])
    assert "--more-than-share" in flat(told.stderr)
    done = run("erase", "--older-than", "700d", *WHY, "--more-than-share")
    assert (done.exit_code, len(erased(database))) == (0, 11)


@pytest.mark.case("C64")
@pytest.mark.fault("F86")
def test_the_share_is_a_setting(run: Run, old: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    database, _ = old
    author = write(database, lambda session: session.exec(select(Account)).one())
    old_at = SystemClock().now() - timedelta(days=800)
    put(database, *(submission(author, received_at=old_at) for _ in range(9)))
    monkeypatch.setenv("HUB_RETENTION_SHARE", "1.0")
    assert run("erase", "--older-than", "700d", *WHY).exit_code == 0
    assert len(erased(database)) == 11
    monkeypatch.setenv("HUB_RETENTION_SHARE", "1.1")
    assert run("erase", "--older-than", "700d", *WHY).exit_code == 2
