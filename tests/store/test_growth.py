"""What is stored does not make what is asked slower: plans of the hot queries, and totals nobody counts twice."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text
from sqlmodel import select

from hub.model import Alias, Attempt, Delivery, Issue, Place, Record, Submission
from hub.model.column import id_before, new_id
from hub.model.delivery import State
from hub.model.people import Role, Scope
from hub.model.submission import NOT_ERASED
from hub.pulls.run import Pulls
from hub.store import Session, Store
from hub.store.engine import open_writing
from hub.store.query import deliveries, entries, erasing, issues, leases, places, submissions, views
from hub.store.query.counts import advance, delivery_counts, keep, open_counts, totals
from hub.store.query.lists import LateBefore, Viewer, Window, Work
from hub.systems import Registry
from hub.systems.system import County as Everywhere
from hub.worker.loop import Worker
from tests.builders import AT, Loose, World, delivery, pull_row, record, submission
from tests.conftest import HandClock
from tests.some_connectors.county import files

BIG = ("delivery", "record", "submission", "attempt", "journal", "attachment", "issue", "reminder")
VILLAGE, COUNTY = "330783005001", "330783000000"
MANY = 400
PARTIAL = {
    "ix_delivery_system_due_at",
    "ix_delivery_after_id",
    "ix_delivery_leased_until",
    "ix_delivery_standing",
    "ix_reminder_open",
}
WALKED = {"ix_submission_received_at", "sqlite_autoindex_delivery_1", "ix_issue_opened_at"}
"""Walked newest first until a page is full: where nearly every row met belongs on it."""
LATE = LateBefore(AT, AT + timedelta(days=1), {AT - timedelta(days=1): ["east"]})
_numbers = count(1)
Asked = Callable[[Session], object]


class County(World):
    """A world with some hundred Submissions, half of them with three Deliveries each, in all states."""

    def __init__(self, store: Store, clock: HandClock) -> None:
        super().__init__(store, clock)
        self.subs = [submission(self.author, received_at=AT + timedelta(seconds=n)) for n in range(MANY)]
        self.records = [record(sub, submission_id=sub.id) for sub in self.subs]
        self.place = Place(kind="household", name="12", division=VILLAGE, token="t", created_at=AT)
        names, states = ("north", "south", "east"), list(State)
        self.owed = [
            self._owed(of, names[n % 3], states[n // 3 % len(states)])
            for n, of in enumerate(each for each in self.records for _ in range(3))
        ]

    def _owed(self, of: Record, system: str, state: State) -> Delivery:
        leased = {"lease_token": new_id(), "leased_until": AT} if state is State.LEASED else {}
        due = {"due_at": AT if state in {State.WAITING, State.RETRY, State.TRANSPORTED} else None}
        return delivery(of, self.author, system, state=state, order_key="river", **leased, **due)

    async def settle(self) -> None:
        tries = [Attempt(delivery_id=row.id, kind="push", number=1, started_at=AT) for row in self.owed]
        one = self.records[0]
        found = Issue(id=one.key, record=one.record, submission_id=one.submission_id, division=VILLAGE,
                      state="reported", reporter_id=self.author.id, opened_at=AT, changed_at=AT)  # fmt: skip
        held = delivery(self.records[1], self.author, flow="other", after_id=self.owed[3].id, due_at=None)
        await self.add(self.subs, self.records, self.owed, [held], tries, [self.place, found])
        alias = Alias(issuer="north", code="HH", told_by="north", place_id=self.place.id, since=AT)
        await self.add([alias, pull_row("north", {"a": 1}, place_id=self.place.id)], [found])
        counted = await self.store.read(advance)
        await self.store.write(lambda session: keep(session, counted))
        if self.store.writing.dialect.name == "postgresql":
            with self.store.writing.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))

    def viewer(self, role: Role, division: str, *owned: str) -> Viewer:
        return Viewer(Scope(self.author.id if role is Role.STAFF else "other", role, division), owned)


@pytest.fixture
async def county(store: Store, clock: HandClock) -> County:
    made = County(store, clock)
    await made.settle()
    return made


def work(county: County) -> dict[str, Asked]:
    """Return what the engine and intake ask all day."""
    row, sub, key = county.owed[0], county.subs[0], county.records[0].key
    return {
        "systems with due": lambda s: leases.systems_with_due(s, AT),
        "due": lambda s: leases.due(s, "north", AT, 10),
        "overrun": lambda s: leases.overrun(s, AT, 10),
        "all leases": lambda s: leases.overrun(s, None, 10),
        "stranded": deliveries.stranded,
        "behind": lambda s: deliveries.waiting_for(s, [row.id]),
        "last in order": lambda s: deliveries.last_in_order(s, ["river"]),
        "ahead in order": lambda s: deliveries.ahead_in_order(s, row),
        "suspects": lambda s: leases.suspect_systems(s, AT),
        "due far ahead": lambda s: leases.systems_with_due_after(s, AT + timedelta(days=9)),
        "due one": lambda s: leases.due_one(s, row.id, AT),
        "unrecognised": lambda s: deliveries.unrecognised(s, 10),
        "chains": lambda s: deliveries.chains(s, [row.id]),
        "created": lambda s: deliveries.created(s, {**row.model_dump(), "revision": 2}),
        "heads in order": lambda s: deliveries.heads_in_order(s, ["river"], []),
        "latest per flow": lambda s: deliveries.latest_per_flow(s, [key]),
        "by ids": lambda s: deliveries.by_ids(s, [row.id]),
        "kept": lambda s: submissions.kept(s, [(sub.account_id, sub.client_id), ("somebody", "else")]),
        "latest revision": lambda s: submissions.latest_revision(s, sub.id),
        "latest records": lambda s: submissions.latest_records(s, sub.id),
        "existing issues": lambda s: submissions.existing_issues(s, [key]),
        "photos": lambda s: submissions.uploaded(s, {(county.author.id, "a")}),
        "to erase": lambda s: erasing.older(s, AT + timedelta(seconds=9), None, 10),
        "more to erase": lambda s: erasing.older(s, AT + timedelta(seconds=9), erasing.After(AT, sub.id), 10),
        "open": lambda s: [erasing.still_open(s, found) for found in [erasing.find(s, sub.id, lock=False)] if found],
        "erase": lambda s: [erasing.wipe(s, found, AT) for found in [erasing.find(s, sub.id, lock=True)] if found],
        "places": lambda s: places.named(s, ["HH"]),
        "aliases": lambda s: places.aliases(s, [county.place.id]),
        "snapshots": lambda s: places.snapshots(s, [county.place.id]),
    }


def pages(county: County) -> dict[str, Asked]:
    """Return what people ask, deep into their lists."""
    by_hand = next(row.id for row in county.owed if row.state == State.MANUAL)
    last, sub = Window(10, county.owed[-100].id), Window(10, county.subs[-100].id)
    seen = {
        "staff": county.viewer(Role.STAFF, VILLAGE),
        "village": county.viewer(Role.LEADER, VILLAGE),
        "county": county.viewer(Role.LEADER, COUNTY),
        "department": county.viewer(Role.DEPARTMENT_ADMIN, COUNTY, "north", "east"),
    }
    asked: dict[str, Asked] = {
        "tries": lambda s: views.attempts(s, county.owed[0].id),
        "metrics": lambda s: delivery_counts(s, totals(s)["delivery"]),
        "tally": advance,
        "systems": open_counts,
        "systems of a town": lambda s: open_counts(s, Scope("other", Role.OPERATOR, "330783005000")),
        "late": lambda s: entries.late_counts(s, LATE),
        "to press for": lambda s: entries.unreminded(s, LATE, 10),
        "pressed for in vain": entries.unended_reminders,
        "beside": lambda s: entries.asides(s, [row.id for row in county.owed[:10]], AT),
        "corrected": lambda s: entries.is_corrected(s, county.owed[0]),
    }
    for name, viewer in seen.items():
        asked[f"one of {name}"] = lambda s, v=viewer: views.submission(s, v, county.subs[0].id)
        asked[f"submissions of {name}"] = lambda s, v=viewer: views.submissions(s, v, sub, mine=False)
        asked[f"mine of {name}"] = lambda s, v=viewer: views.submissions(s, v, sub, mine=True)
        asked[f"issues of {name}"] = lambda s, v=viewer: issues.listed(s, v.scope, None, Window(10))
        asked[f"entries of {name}"] = lambda s, v=viewer: views.entries(s, v, Window(10, by_hand), Work(LATE))
        for state in (None, *State):
            asked[f"{state} of {name}"] = lambda s, v=viewer, of=state: views.deliveries(s, v, last, state=of)
    return asked


@contextmanager
def beside(store: Store) -> Iterator[Connection]:
    """Lend another writing connection to the same database; the store keeps its own to itself."""
    engine = open_writing(store.writing.url.render_as_string(hide_password=False))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def statements(connection: Connection, ask: Asked) -> list[tuple[str, Any]]:
    """Return what is sent to the database while something is asked; SQLite tells it with its values filled in."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Loose, _cursor: Loose, statement: str, parameters: Loose, *_rest: Loose) -> None:
        sent.append((statement, parameters))

    driver: Loose = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.set_trace_callback(lambda statement: sent.append((statement, ())))
    else:
        event.listen(connection, "before_cursor_execute", note)
    with Session(connection) as session:
        ask(session)
    if connection.dialect.name == "sqlite":
        driver.set_trace_callback(None)
    return [(one, values) for one, values in sent if one.lstrip().startswith(("SELECT", "WITH", "UPDATE", "DELETE"))]


def plans(store: Store, ask: Asked) -> Iterator[str]:
    """Yield the steps the database takes."""
    with beside(store) as connection:
        sent = statements(connection, ask)
        lite = connection.dialect.name == "sqlite"
        if not lite:
            connection.exec_driver_sql("SET enable_seqscan = off")
        for statement, values in sent:
            plan = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' if lite else ''}{statement}", values)
            yield from [str(row[-1]) for row in plan.all()]


def is_scan(step: str) -> bool:
    """Say whether a step of a plan reads a big table, or a whole index of it, from end to end.

    A `tally` is small, and so is `system_state`: it has a row for each System of the wiring.
    """
    if met := re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step):
        return not re.match(r"anon_|known|tally|system_state|v$|\d|CONSTANT", met[1]) and met[2] not in PARTIAL | WALKED
    return any(f"Seq Scan on {table}" in step for table in BIG)


async def test_a_county_walks_from_the_newest_on_and_gathers_nothing(county: County) -> None:
    asked = pages(county)
    for name, table in (("submissions of county", "submission"), ("None of county", "delivery")):
        found = [step for step in plans(county.store, asked[name]) if table in step and "Seq Scan" not in step]
        assert not any("division>" in step or "by_division" in step for step in found), name
        assert any(index in step for step in found for index in WALKED | {"pk_delivery"}), name


async def test_what_is_old_is_found_by_the_time_it_came_and_what_is_erased_is_not_met(county: County) -> None:
    for name in ("to erase", "more to erase"):
        found = " ".join(plans(county.store, work(county)[name]))
        assert "ix_submission_received_at" in found, name
    index = next(index for index in Submission.__table__.indexes if index.name == "ix_submission_received_at")  # type: ignore[attr-defined]  # SQLModel adds it
    assert {str(index.dialect_options[name]["where"]) for name in ("sqlite", "postgresql")} == {NOT_ERASED}


async def test_one_submission_is_found_by_its_id_and_not_among_all_its_author_sent(county: County) -> None:
    for name in ("staff", "village", "county", "department"):
        found = " ".join(plans(county.store, pages(county)[f"one of {name}"]))
        assert not re.search("account_id=|account_id_received_at", found), name


@pytest.mark.parametrize("asked", [work, pages])
async def test_no_hot_query_reads_a_big_table_from_end_to_end(
    county: County, asked: Callable[[County], dict[str, Asked]]
) -> None:
    found = {name: list(filter(is_scan, plans(county.store, ask))) for name, ask in asked(county).items()}
    assert {name: steps for name, steps in found.items() if steps} == {}


def every_state(session: Session) -> Counter[tuple[str, State]]:
    """Count the slow way."""
    return Counter((row.system, State(row.state)) for row in session.exec(select(Delivery)))


async def test_deliveries_are_counted_by_system_and_state(county: County) -> None:
    slow = await county.store.read(every_state)
    assert len(slow) == 27
    assert await county.store.read(lambda s: delivery_counts(s, totals(s)["delivery"])) == slow
    standing = {key: count for key, count in slow.items() if key[1] is not State.DELIVERED}
    assert await county.store.read(open_counts) == standing


async def older(world: World, many: int, system: str = "north", *, ended: bool = True) -> list[str]:
    """Store Deliveries made an hour ago, each with an attempt of that time."""
    then = id_before(new_id(), timedelta(hours=1))[:-4]
    made = [then + f"{next(_numbers):04x}" for _ in range(many)]
    sub = submission(world.author, received_at=AT - timedelta(hours=1))
    records = [record(sub) for _ in made]
    done: dict[str, Any] = {"state": State.DELIVERED, "due_at": None}
    if not ended:
        done = {"state": State.LEASED, "due_at": None, "leased_until": AT}
    rows = [
        delivery(of, world.author, system, id=one, **done, **({} if ended else {"lease_token": one}))
        for of, one in zip(records, made, strict=True)
    ]
    end = {"ended_at": AT, "outcome": "accepted"} if ended else {}
    tries = [Attempt(id=one, delivery_id=one, kind="push", number=1, started_at=AT, **end) for one in made]
    await world.add([sub], records, rows, tries)
    return made


async def recent(world: World) -> None:
    """Store a Delivery and an attempt made just now: whatever is much older will change no more."""
    (one,) = await world.owe(1)
    await world.add([Attempt(delivery_id=one, kind="push", number=1, started_at=AT)])


async def told(world: World) -> dict[str, dict[str, int]]:
    return {what: dict(found) for what, found in (await world.store.read(totals)).items()}


async def tallied(world: World) -> Counter[str]:
    """Return how many of each kind the tally holds by itself."""
    query = text("SELECT what, sum(count) FROM tally GROUP BY what")
    found = await world.store.read(lambda s: s.connection().execute(query).all())
    return Counter({what: int(count) for what, count in found})


async def test_totals_are_counted_once_and_kept(world: World) -> None:
    await older(world, 3)
    await older(world, 2, "south")
    await recent(world)
    right = {"submission": {"*": 3}, "delivery": {"north": 4, "south": 2}, "attempt": {"accepted": 5, "": 1}}
    assert await told(world) == right
    counted = await world.store.read(advance)
    assert await world.store.write(lambda s: keep(s, counted)) == 3
    assert await tallied(world) == {"submission": 2, "delivery": 5, "attempt": 5}
    assert await told(world) == right
    assert await world.store.read(advance) == []


async def test_a_worker_moves_the_marks_by_itself(world: World, tmp_path: Path) -> None:
    await older(world, 3)
    await recent(world)
    pulls = Pulls(world.store, world.clock, Registry(Everywhere(COUNTY, {}), {}, {}), {}, files()[0])
    worker = Worker(world.engine(), pulls, world.clock, tmp_path)
    await worker.start()
    assert worker._scheduler is not None
    job = worker._scheduler.get_job("tally")
    assert job.trigger.interval == timedelta(minutes=1)
    await job.func()
    assert await tallied(world) == {"submission": 1, "delivery": 3, "attempt": 3}
    await worker.stop()


async def test_of_two_processes_that_count_at_once_one_is_believed(world: World) -> None:
    await older(world, 3)
    await recent(world)
    first, second = await world.store.read(advance), await world.store.read(advance)
    assert [await world.store.write(lambda s, one=one: keep(s, one)) for one in (first, second)] == [3, 0]  # type: ignore[misc]  # default binds the loop variable
    assert await tallied(world) == {"submission": 1, "delivery": 3, "attempt": 3}
    assert (await told(world))["delivery"] == {"north": 4}


async def test_an_attempt_under_way_is_not_counted_for_good(world: World) -> None:
    (one,) = await older(world, 1, ended=False)
    await recent(world)
    counted = await world.store.read(advance)
    await world.store.write(lambda s: keep(s, counted))
    assert (await told(world))["attempt"] == {"": 2}
    ended = text("UPDATE attempt SET outcome = 'accepted' WHERE id = :one")
    await world.store.write(lambda s: s.connection().execute(ended, {"one": one}))
    assert (await told(world))["attempt"] == {"accepted": 1, "": 1}


async def test_a_list_turned_page_by_page_shows_everything_once(county: County) -> None:
    for name in ("staff", "village", "county"):
        viewer = county.viewer(Role.STAFF if name == "staff" else Role.LEADER, COUNTY if name == "county" else VILLAGE)
        found = [""]
        while page := await county.store.read(lambda s: views.deliveries(s, viewer, Window(100, found[-1]))):  # noqa: B023 - run at once
            found += [row.id for row in page]
        assert len(found) == 3 * MANY + 2
        assert found[1:] == sorted({row.id for row in await county.all(Delivery)}, reverse=True)
