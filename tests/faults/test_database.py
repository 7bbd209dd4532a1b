"""A database that is busy, breaks off or loses its last word: nobody is told what is not so, and again mends it."""

import asyncio
import re
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session as Plain
from sqlmodel import Session, select

from hub.clock import Clock
from hub.errors import Problem
from hub.model import Division, JournalEntry
from hub.model.delivery import State
from hub.store import Store, open_store
from hub.store.engine import open_writing
from tests.builders import AT, World, delivery, record, submission
from tests.faults.proxy import Proxy, listening
from tests.some_connectors.county import County, visit
from tests.web.conftest import Site
from tests.web.conftest import visit as posted

ROOT = Path(__file__).parents[2]
LOSSES = 100
both_ways = pytest.mark.parametrize("losing", ["reply", "request"])
on_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def name_of(url: str) -> str:
    """The database's name in the URL of a socket."""
    return url.rpartition("@/")[2].partition("?")[0]


def count(session: Session) -> int:
    """Read, then write by what was read: the transaction that must not be upgraded on the way."""
    subjects = session.exec(select(JournalEntry.subject).where(JournalEntry.action == "counted")).all()
    session.add(JournalEntry(at=AT, account_id="", action="counted", subject=str(len(subjects))))
    session.flush()
    return len(subjects)


# --- F9: read first, write later --------------------------------------------------------------------------------------


@pytest.mark.fault("F9")
async def test_reading_before_writing_never_fails_while_others_write(store: Store, database_url: str) -> None:
    neighbour = Neighbour(database_url)
    neighbour.start()
    counted = 0
    while neighbour.times < 10 or counted < 100:
        assert await store.write(count) == counted
        counted += 1
    neighbour.stop.set()
    await asyncio.to_thread(neighbour.join)


class Neighbour(threading.Thread):
    """Another program that writes into the same database, and takes its time over it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.stop, self.times, self._engine = threading.Event(), 0, open_writing(url)

    def run(self) -> None:
        while not self.stop.wait(0.001):
            with self._engine.begin() as connection:
                connection.exec_driver_sql("UPDATE account SET name = name")
                self.stop.wait(0.005)
            self.times += 1
        self._engine.dispose()


def test_an_upgrade_on_the_way_would_fail_at_once(tmp_path: Path) -> None:
    """What the test above guards against is real: no patience helps a read that wants to become a write too late."""
    ours, theirs = (sqlite3.connect(tmp_path / "x.db", timeout=5, isolation_level=None) for _ in range(2))
    ours.execute("PRAGMA journal_mode=WAL")
    ours.execute("CREATE TABLE t (n)")
    ours.execute("BEGIN")
    ours.execute("SELECT * FROM t").fetchall()
    theirs.execute("INSERT INTO t VALUES (1)")
    start = time.monotonic()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        ours.execute("INSERT INTO t VALUES (2)")
    assert time.monotonic() - start < 1
    for connection in (ours, theirs):
        connection.close()


@pytest.mark.fault("F9")
def test_only_the_store_opens_databases_and_its_writes_begin_as_writes() -> None:
    opening = re.compile(r"\b(create_engine|create_async_engine|sqlite3\.connect|driver\.connect|sessionmaker)\(")
    found = {
        path.relative_to(ROOT).as_posix(): opening.findall(path.read_text()) for path in (ROOT / "hub").rglob("*.py")
    }
    users = {path: names for path, names in found.items() if names}
    assert list(users) == ["hub/store/engine.py"]
    source = (ROOT / "hub/store/engine.py").read_text()
    assert source.count('exec_driver_sql("BEGIN IMMEDIATE")') == 1
    assert len(re.findall(r'exec_driver_sql\("BEGIN"\)', source)) == 1, "the reading side's, on a read-only file"
    assert "mode=ro" in source


# --- F13: the reply of COMMIT is lost ---------------------------------------------------------------------------------


@pytest.mark.fault("F13")
@on_postgres
async def test_a_commit_whose_answer_is_lost_is_unknown_and_sending_again_makes_one(
    store: Store, database_url: str, clock: Clock
) -> None:
    """Every second time COMMIT itself is lost, otherwise the answer to it; the hub cannot tell which."""
    await County(store, clock).settle()
    socket = database_url.partition("host=")[2]
    armed: list[str] = []
    proxy = Proxy(lambda data: armed.pop() if b"COMMIT" in data and armed else "", path=f"{socket}/.s.PGSQL.5432")
    async with listening(proxy) as port:
        plain = "sslmode=disable&gssencmode=disable"
        far = await asyncio.to_thread(
            open_store, f"postgresql+psycopg://postgres@127.0.0.1:{port}/{name_of(database_url)}?{plain}"
        )
        county, made = County(far, clock), 0
        for number in range(LOSSES):
            body, what = visit(), ("reply", "request")[number % 2]
            armed.append(what)
            with pytest.raises(Problem) as caught:
                await county.submit(body)
            assert (caught.value.code, caught.value.status) == ("store.unavailable", 503)
            again = await county.submit(body)
            assert again.created is (what == "request")
            made += 1
        assert not (await county.submit(body)).created
        await far.close()
    assert proxy.lost == LOSSES
    counts = await County(store, clock).counts()
    assert [counts[name] for name in ("submission", "record", "delivery", "journal")] == [made, made, 2 * made, made]


# --- F15: broken off over a conflict ----------------------------------------------------------------------------------


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
    assert rival.tries == 3


# --- F16: no connection left ------------------------------------------------------------------------------------------


@pytest.mark.fault("F16")
@on_postgres
async def test_without_a_connection_it_says_so_within_five_seconds_and_still_lives(
    site: Site, store: Store, clock: Clock
) -> None:
    ada = await site.client("ada")
    held = [engine.connect() for engine in (store.writing, store._reading) for _ in range(engine.pool.size() * 2)]
    try:
        start = time.monotonic()
        sent = asyncio.create_task(ada.post("/api/v1/submissions", json=posted(clock)))
        while not sent.done():
            asked = time.monotonic()
            assert (await ada.get("/healthz")).status_code == 200
            assert time.monotonic() - asked < 1
            await asyncio.sleep(0.2)
        answer, took = await sent, time.monotonic() - start
    finally:
        for connection in held:
            connection.close()
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "store.busy", "5")
    assert took < 6, "five seconds and what the machine needs"
    assert (await ada.post("/api/v1/submissions", json=posted(clock))).status_code == 201


# --- F17: committed in another order than made ------------------------------------------------------------------------


@pytest.mark.fault("F17")
@on_postgres
async def test_what_is_committed_later_under_an_earlier_id_is_not_passed_over(world: World, database_url: str) -> None:
    await world.add([submission(world.author)])
    engine = create_engine(database_url)
    early, late = Plain(engine), Plain(engine)
    ids = [put(session, world) for session in (early, late)]
    assert ids == sorted(ids)
    late.commit()
    await world.drain()
    assert await world.states() == {ids[1]: State.DELIVERED}
    early.commit()
    await world.drain()
    assert await world.states() == dict.fromkeys(ids, State.DELIVERED)
    assert len(world.north.pushed) == 2
    for session in (early, late):
        session.close()
    engine.dispose()


def put(session: Plain, world: World) -> str:
    """Add a Delivery in a transaction that stays open."""
    sub = submission(world.author)
    rec = record(sub)
    owed = delivery(rec, world.author)
    for row in (sub, rec, owed):
        session.add(row)
        session.flush()
    return owed.id
