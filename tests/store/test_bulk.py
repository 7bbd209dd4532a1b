"""Many rows in one statement: every number of rows arrives whole, in room made for more."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Table, select

from hub.model import Attempt, Record, Submission
from hub.store import Session, Store, Taken
from hub.store.bulk import ROOMS, Change, find_rows, insert_all, insert_new_rows, insert_rows, update_rows
from tests.builders import World, record, submission

ATTEMPT: Table = Attempt.__table__
SUBMISSION: Table = Submission.__table__
RECORD: Table = Record.__table__
AT = datetime(2026, 1, 5, 9, 12, 0, 120_000, tzinfo=UTC)
SIZES = sorted({size + more for size in ROOMS for more in (-1, 0, 1)} - {0} | {300})
CLOSE = Change(ATTEMPT, ("id",), (("reason", "{outcome} || '!'"),), guard="attempt.ended_at IS NULL")


class Undone(Exception):
    """Ends a transaction without keeping anything."""


def rows(count: int, **values: object) -> list[dict[str, Any]]:
    """Return so many attempts of no Delivery."""
    blank = {"delivery_id": "none", "kind": "push", "number": 1, "started_at": AT, "ended_at": None,
             "outcome": "", "reason": "", "answer": ""}  # fmt: skip
    return [{"id": f"{count}-{place}", **blank, **values} for place in range(count)]


def unbound(session: Session) -> None:
    """Let rows be written that belong to none; the table itself is what is tried here."""
    dialect = session.get_bind().dialect.name
    bare = "PRAGMA defer_foreign_keys = ON" if dialect == "sqlite" else "SET LOCAL session_replication_role = replica"
    session.connection().exec_driver_sql(bare)


@pytest.mark.parametrize("count", SIZES)
async def test_any_number_of_rows(store: Store, count: int) -> None:
    """What is inserted, changed and found again are exactly the given rows, whatever room their statements have."""

    def check(session: Session) -> None:
        unbound(session)
        connection = session.connection()
        insert_rows(connection, ATTEMPT, rows(count))
        assert connection.execute(select(ATTEMPT.c.id, ATTEMPT.c.started_at)).all() == [
            (row["id"], AT) for row in rows(count)
        ]
        found = find_rows(connection, ATTEMPT, ("id",), [{"id": row["id"], "kind": "push"} for row in rows(count)])
        assert sorted(row[0] for row in found) == sorted(row["id"] for row in rows(count))
        ends = [{"id": row["id"], "ended_at": AT, "outcome": "accepted"} for row in [*rows(count), *rows(2000)[-1:]]]
        assert update_rows(connection, CLOSE, ends) == {row["id"] for row in rows(count)}
        assert update_rows(connection, CLOSE, ends) == set(), "those that ended meet the condition no more"
        assert set(connection.execute(select(ATTEMPT.c.outcome, ATTEMPT.c.reason)).all()) == {("accepted", "accepted!")}
        assert insert_new_rows(connection, ATTEMPT, rows(count) + rows(count + 1)) == {
            row["id"] for row in rows(count + 1)
        }
        raise Undone  # what belongs to nobody must not be kept

    with pytest.raises(Undone):
        await store.write(check)


async def test_no_rows_ask_nothing(store: Store) -> None:
    """Nothing given, nothing done."""

    def check(session: Session) -> None:
        connection = session.connection()
        insert_rows(connection, ATTEMPT, [])
        assert insert_new_rows(connection, ATTEMPT, []) == update_rows(connection, CLOSE, []) == set()
        assert list(find_rows(connection, ATTEMPT, ("id",), [])) == []

    await store.write(check)


async def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    """On either database, whichever way its rows take; it would else be read as somebody's wall time."""
    naive = [{**rows(1)[0], "started_at": AT.replace(tzinfo=None)}]
    with pytest.raises((ValueError, TypeError), match=r"UTC-aware|not JSON serializable: datetime"):
        await store.write(lambda session: insert_rows(session.connection(), ATTEMPT, naive))


@pytest.mark.parametrize("odd", [{"id": None}, {"more": 1}], ids=["no-id", "one-column-more"])
async def test_uneven_rows_are_refused(store: Store, odd: dict[str, object]) -> None:
    """A row that would be taken for room left over, or whose values would slip into other columns, is an error."""
    given = [rows(1)[0], {**rows(1)[0], **odd}]
    with pytest.raises(ValueError, match="rows of attempt must all name"):
        await store.write(lambda session: insert_rows(session.connection(), ATTEMPT, given))


async def test_several_tables_at_once(world: World) -> None:
    """Rows that need each other come in one call; where one is refused none is kept."""
    (first,) = await world.add([submission(world.author)])
    sub, other = submission(world.author), submission(world.author)
    row = record(sub, submission_id=sub.id).model_dump()

    async def kept() -> set[str]:
        return set(await world.store.read(lambda session: session.exec(select(Submission.id)).scalars().all()))

    def insert(some: Submission) -> Callable[[Session], None]:
        tables = [(SUBMISSION, [some.model_dump()]), (RECORD, [row]), (ATTEMPT, [])]
        return lambda session: insert_all(session.connection(), tables)

    await world.store.write(insert(sub))
    assert await kept() == {first, sub.id}
    with pytest.raises(Taken):
        await world.store.write(insert(other))
    assert await kept() == {first, sub.id}
