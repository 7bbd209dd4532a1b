"""The one writer: grouped, atomic per job, answering everybody."""

import asyncio
import threading
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import ProgrammingError
from sqlmodel import Session, select

from hub.errors import Problem
from hub.model import JournalEntry
from hub.store import Store, Taken, open_store
from hub.store.engine import lock_file

AT = datetime(2026, 11, 23, tzinfo=UTC)


def add(session: Session, subject: str) -> str:
    if subject.startswith("bad"):
        raise ValueError(subject)
    session.add(JournalEntry(id=subject, at=AT, account_id="", action="test.written", subject=subject))
    session.flush()
    return subject


def add_all(session: Session, subjects: Sequence[str]) -> list[str | Exception]:
    return [ValueError(s) if s == "refused" else add(session, s) for s in subjects]


async def subjects(store: Store) -> list[str]:
    return sorted(await store.read(lambda session: list(session.exec(select(JournalEntry.subject)))))


async def test_every_write_is_answered_and_kept(store: Store) -> None:
    answers = await asyncio.gather(*(store.write(lambda s, n=n: add(s, f"j{n:03}")) for n in range(300)))
    assert answers == [f"j{n:03}" for n in range(300)]
    assert await subjects(store) == answers


async def test_one_failing_write_does_not_touch_its_neighbours(store: Store) -> None:
    names = ["a", "bad", "b"]
    answers = await asyncio.gather(*(store.write(lambda s, n=n: add(s, n)) for n in names), return_exceptions=True)
    assert [type(answer) for answer in answers] == [str, ValueError, str]
    assert await subjects(store) == ["a", "b"]


async def test_a_vector_answers_each_item_and_finds_the_culprit(store: Store) -> None:
    names = ["a", "bad", "refused", "b"]
    answers = await asyncio.gather(*(store.writer.write_item(add_all, n) for n in names), return_exceptions=True)
    assert [str(answer) for answer in answers] == names
    assert await subjects(store) == ["a", "b"]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_what_is_hot_is_not_held_up_by_writes_that_wait(store: Store) -> None:
    """Each may wait for a row that another process has; a Submission must not wait with them."""
    go_on, waiting = threading.Event(), []
    try:
        for _ in range(4):
            waiting.append(asyncio.create_task(store.write(lambda _: go_on.wait(30))))
            await asyncio.sleep(0.05)  # one by one, so that each is a group of its own
        assert await asyncio.wait_for(store.writer.write_item(add_all, "hot"), 10) == "hot"
        assert not any(task.done() for task in waiting)
    finally:
        go_on.set()
    assert await asyncio.gather(*waiting) == [True] * 4


async def test_no_error_says_what_was_to_be_written(store: Store) -> None:
    """Errors are logged with all that led to them, and what is written is about people."""
    await store.write(lambda s: add(s, "a"))
    row = JournalEntry(id="a", at=AT, account_id="", action="test.written", subject="s", why="陈大山 19900000101")
    with pytest.raises(Taken) as caught:
        await store.write(lambda s: s.add(row))
    assert "陈大山" not in "".join(traceback.format_exception(caught.value))


async def test_a_broken_constraint_is_told_to_its_own_writer(store: Store) -> None:
    await store.write(lambda s: add(s, "a"))
    with pytest.raises(Taken):
        await store.write(lambda s: add(s, "a"))


async def test_one_failing_question_leaves_the_others_answered(store: Store) -> None:
    """Questions of one moment share a look; one that the database refuses must not spoil it for the rest."""

    def count(session: Session, asked: Sequence[int]) -> list[int]:
        return [number + len(session.exec(select(JournalEntry)).all()) for number in asked]

    def refused(session: Session, asked: Sequence[int]) -> list[int]:
        session.connection().exec_driver_sql("SELECT * FROM nowhere")
        return list(asked)

    looks = [store.look(refused if number % 3 == 0 else count, number) for number in range(30)]
    answers = await asyncio.gather(*looks, return_exceptions=True)
    assert [number for number, answer in enumerate(answers) if answer == number] == [n for n in range(30) if n % 3]
    assert {type(answers[number]) for number in range(0, 30, 3)} <= {Problem, ProgrammingError}


async def test_reading_connections_cannot_write(store: Store) -> None:
    with pytest.raises(Exception, match=r"(?i)read.?only|store\.full"):
        await store.read(lambda session: add(session, "a"))
    assert await subjects(store) == []


@pytest.mark.fault("F10")
async def test_a_second_process_on_the_same_sqlite_file_is_refused(tmp_path: str) -> None:
    url = f"sqlite:///{tmp_path}/hub.db"
    held = lock_file(url)
    assert held is not None
    with pytest.raises(Problem) as caught:
        open_store(url)
    assert caught.value.code == "store.held"
    held.close()
    await open_store(url).close()
