"""Two sessions that want the same rows: PostgreSQL breaks one off, and the hub does its transaction again."""

import threading
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest
from sqlmodel import Session

from hub.errors import Problem
from hub.model import Division
from hub.store import Store, open_store
from hub.store.lanes.writer import MAX_CONFLICTS
from tests.builders import AT
from tests.faults.test_database import name_of

on_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


class Rival:
    """Another session that gets in the way of a write of ours, as often as it is told."""

    def __init__(self, url: str, conflicts: int) -> None:
        self.left, self.tries = conflicts, 0
        self._crossing: threading.Thread | None = None
        self._dsn = url.replace("postgresql+psycopg://postgres:@/", "postgresql://postgres@/")

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self._dsn, autocommit=True)

    def overtake(self, session: Session) -> int:
        """40001: the row we read is changed under our snapshot before we change it."""
        self.tries += 1
        session.connection().exec_driver_sql("SELECT name FROM division").all()
        if self.left > 0:
            self.left -= 1
            with self.connect() as other:
                other.execute("UPDATE division SET name = name || '.'")
        session.connection().exec_driver_sql("UPDATE division SET name = name || '!'")
        return self.tries

    def deadlock(self, session: Session) -> int:
        """40P01: we hold one row and want the other, they the other way round; whoever waited first is broken off."""
        self.tries += 1
        if self._crossing is not None:
            self._crossing.join()
        ours = session.connection()
        ours.exec_driver_sql("SET LOCAL deadlock_timeout = '150ms'")
        ours.exec_driver_sql("UPDATE division SET name = name || '!' WHERE code = '1'")
        if self.left > 0:
            self.left -= 1
            holding = threading.Event()
            self._crossing = threading.Thread(target=self._cross, args=(holding,))
            self._crossing.start()
            assert holding.wait(5)
        ours.exec_driver_sql("UPDATE division SET name = name || '!' WHERE code = '2'")
        return self.tries

    def _cross(self, holding: threading.Event) -> None:
        with self.connect() as other, other.transaction():
            other.execute("UPDATE division SET name = name || '.' WHERE code = '2'")
            holding.set()
            other.execute("UPDATE division SET name = name || '.' WHERE code = '1'")


@pytest.fixture
async def contested(database_url: str) -> AsyncIterator[Store]:
    """A store whose sessions see one snapshot, with two rows to quarrel over."""
    opened = open_store(database_url)
    rows = [Division(code=code, name="", level="village", valid_from=AT.date(), recorded_at=AT) for code in "12"]
    await opened.write(lambda session: session.add_all(rows))
    snapshot = f"ALTER DATABASE {name_of(database_url)} SET default_transaction_isolation = 'repeatable read'"
    await opened.write(lambda session: session.connection().exec_driver_sql(snapshot) and None)
    await opened.close()
    opened = open_store(database_url)
    yield opened
    await opened.close()


@pytest.mark.fault("F15")
@on_postgres
@pytest.mark.parametrize("conflicts", [1, 2])
@pytest.mark.parametrize("kind", ["overtake", "deadlock"])
async def test_a_transaction_broken_off_over_a_conflict_is_done_again(
    contested: Store, database_url: str, kind: str, conflicts: int
) -> None:
    rival = Rival(database_url, conflicts)
    write: Callable[[Session], int] = getattr(rival, kind)
    assert await contested.write(write) == conflicts + 1
    names = await contested.read(lambda s: s.connection().exec_driver_sql("SELECT name FROM division").scalars().all())
    assert [name.count("!") for name in names] == [1, 1]
    assert [name.count(".") for name in names] == [conflicts, conflicts]


@pytest.mark.fault("F15")
@on_postgres
async def test_after_three_conflicts_it_is_told_to_come_back(contested: Store, database_url: str) -> None:
    rival = Rival(database_url, 99)
    with pytest.raises(Problem) as caught:
        await contested.write(rival.overtake)
    assert (caught.value.code, caught.value.status, caught.value.retry_after) == ("store.busy", 503, 5)
    assert rival.tries <= MAX_CONFLICTS + 1
