"""A database that is busy, breaks off or loses its last word: nobody is told what is not so, and again mends it."""

import asyncio
import re
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session as Plain
from sqlmodel import Session, select

from hub.clock import Clock
from hub.errors import Problem
from hub.model import JournalEntry
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
    assert sorted(users) == ["hub/sdk/tables/door.py", "hub/store/engine.py"], "the first opens Systems' databases only"
    source = (ROOT / "hub/store/engine.py").read_text()
    assert source.count('run(connection, "BEGIN IMMEDIATE")') == 1
    assert len(re.findall(r'run\(connection, "BEGIN"\)', source)) == 1, "the reading side's, on a read-only file"
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


@pytest.mark.fault("F13")
@on_postgres
async def test_a_group_whose_commit_is_lost_is_not_written_a_second_time(store: Store, database_url: str) -> None:
    """Writes that are not unique would be there twice, though nobody was told that they are there once."""
    socket, left = database_url.partition("host=")[2], [3]

    def losing(data: bytes) -> str:
        if b"COMMIT" not in data or left[0] == 0:
            return ""
        left[0] -= 1
        return "reply"

    async with listening(Proxy(losing, path=f"{socket}/.s.PGSQL.5432")) as port:
        where = f"postgres@127.0.0.1:{port}/{name_of(database_url)}?sslmode=disable&gssencmode=disable"
        far = await asyncio.to_thread(open_store, f"postgresql+psycopg://{where}")
        answers = await asyncio.gather(*(far.write(count) for _ in range(60)), return_exceptions=True)
        await far.close()
    lost = [answer for answer in answers if isinstance(answer, Problem)]
    assert {(problem.code, problem.status) for problem in lost} == {("store.unavailable", 503)}
    assert len(lost) > 3, "groups of several were lost"
    assert len(await store.read(lambda s: s.exec(select(JournalEntry)).all())) == 60


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
