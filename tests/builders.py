"""Rows and fakes for tests of deliveries: an account, a submission, its record, deliveries, a System that obeys."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, ClassVar, TypeAlias

from sqlalchemy import text
from sqlmodel import select

from hub.model import Account, Attempt, Delivery, JournalEntry, PullRow, Record, Submission, SystemState
from hub.model.column import new_id
from hub.model.delivery import State, may_move
from hub.model.people import Role
from hub.outbox.capacity import Line
from hub.outbox.engine import Engine
from hub.outbox.hand import Deed
from hub.sdk import Capabilities, Outgoing, Page, Receipt
from hub.store import Session, Store

Loose: TypeAlias = Any
"""What rows, limits and scripts take is for their makers to check."""
AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
_numbers = count(1)

HONOURS = Capabilities(honours_key=True)
PROBES = Capabilities(honours_key=False, probes=True, probes_changes=True)
KEYS_WHAT_IS_NEW = Capabilities(honours_key=False, probes=True, amends=True)
"""Keeps our key when something is made, not when it is changed."""
NEITHER = Capabilities(honours_key=False)
LATER = Capabilities(honours_key=True, probes=True, probes_changes=True, answers_later=True)


def account(**values: Loose) -> Account:
    number = next(_numbers)
    plain = {"login": f"officer{number}", "name": "Lin", "role": Role.STAFF, "division": "330783005001"}
    return Account(**{**plain, "password_hash": "x", "created_at": AT, **values})


def submission(author: Account, **values: Loose) -> Submission:
    made = new_id()
    plain = {"id": made, "root_id": made, "account_id": author.id, "client_id": new_id(), "number": made[:8]}
    times = {"occurred_at": AT, "reported_at": AT, "received_at": AT}
    what = {"form": "visit", "form_version": 1, "division": author.division, "body": b"{}", "digest": "d"}
    return Submission(**{**plain, **times, **what, **values})


def record(of: Submission, **values: Loose) -> Record:
    plain = {"key": new_id(), "revision": 1, "record": "visit/v1", "submission_id": of.id, "division": of.division}
    return Record(**{**plain, "occurred_at": AT, "content": b"{}", **values})


def pull_row(system: str, known: dict[str, Any], at: datetime = AT, **values: Loose) -> PullRow:
    """What a System says of a Place, as if a pull had read it."""
    plain = {"pull": "homes", "row_key": f"{system}-{next(_numbers)}", "codes": [], "changed": {}, "pull_id": "p"}
    return PullRow(**{**plain, "system": system, "known": known, "since": at, "as_of": at, **values})


def delivery(of: Record, author: Account, system: str = "north", **values: Loose) -> Delivery:
    flow = values.get("flow", "visit")
    plain = {
        "key": f"{of.key}:{system}/{flow}:{of.revision}", "record_id": of.id, "record_key": of.key, "record": of.record,
        "revision": of.revision, "system": system, "flow": flow, "flow_version": "1", "intent": "create",
        "payload": f'{{"n":"{of.key}"}}'.encode(), "digest": "d", "account_id": author.id, "division": of.division,
        "state": State.WAITING, "due_at": AT, "created_at": AT,
    }  # fmt: skip
    return Delivery(**{**plain, **values})


class FakeSystem:
    """A Connector whose System does what its script says: a Receipt to give, an exception to raise, or a coroutine."""

    capabilities: ClassVar[Capabilities] = HONOURS

    def __init__(self) -> None:
        self.pushed: list[Outgoing] = []
        self.probed: list[str] = []
        self.asked: list[Outgoing] = []
        self.checked = 0
        self.on_push: list[Loose] = []
        self.on_probe: list[Loose] = []
        self.on_check: list[Loose] = []
        self.always: Loose = None
        self.under_way = self.most_under_way = 0

    async def check(self) -> str:
        self.checked += 1
        return str(await _act(self.on_check.pop(0) if self.on_check else "here"))

    async def push(self, outgoing: Outgoing) -> Receipt:
        self.pushed.append(outgoing)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            default = self.always or Receipt(f"N-{len(self.pushed)}")
            receipt: Receipt = await _act(self.on_push.pop(0) if self.on_push else default)
            return receipt
        finally:
            self.under_way -= 1

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        self.probed.append(outgoing.key)
        self.asked.append(outgoing)
        receipt: Receipt | None = await _act(self.on_probe.pop(0) if self.on_probe else None)
        return receipt

    async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
        for _ in ():
            yield Page((), "")


class Bell:
    """An outbox nobody drives: has no seats and keeps what was rung."""

    def __init__(self, rung: list[set[str]] | None = None) -> None:
        self.rung = [] if rung is None else rung

    def seat(self, rows: Loose) -> dict[str, timedelta]:
        return {}

    def hand_over(self, seated: Loose, claims: Loose) -> None:
        assert not list(seated)
        assert not claims

    def ring(self, systems: Iterable[str]) -> None:
        self.rung.append(set(systems))


async def _act(step: Loose) -> Loose:
    """Do one step of a script."""
    await asyncio.sleep(0)
    if isinstance(step, BaseException):
        raise step
    return await step() if callable(step) else step


def line(system: FakeSystem, in_flight: int = 4, per_second: float = 1_000, answer_s: float = 30) -> Line:
    return Line(system, in_flight, per_second, timedelta(seconds=answer_s))


class World:
    """A store with an author, an engine on it and the Systems it drives; times move by hand."""

    def __init__(self, store: Store, clock: Loose) -> None:
        self.store, self.clock = store, clock
        self.author = account()
        self.systems = {"north": FakeSystem()}
        self.lines = {"north": line(self.systems["north"])}

    @property
    def north(self) -> FakeSystem:
        return self.systems["north"]

    def use(self, capabilities: Capabilities, name: str = "north", **limits: Loose) -> FakeSystem:
        self.systems[name] = type("Fake", (FakeSystem,), {"capabilities": capabilities})()
        self.lines[name] = line(self.systems[name], **limits)
        return self.systems[name]

    def engine(self, store: Loose = None, **values: Loose) -> Engine:
        plain: dict[str, Loose] = {"poll_interval": timedelta(milliseconds=5), "settle_pauses_s": ()}
        return Engine(store or self.store, self.clock, self.lines, **{**plain, "dice": Random(1), **values})

    async def owe(self, many: int = 1, system: str = "north", **values: Loose) -> list[str]:
        """Store that many deliveries of as many records of one submission; return their ids."""
        sub = submission(self.author)
        records = [record(sub) for _ in range(many)]
        rows = [delivery(of, self.author, system, **values) for of in records]
        return await self.add([sub], records, rows)

    async def next_revision(self, of: str, **values: Loose) -> str:
        """Store the next revision of a delivery's record, held behind it."""
        first = await self.get(of)
        sub = submission(self.author)
        rec = record(sub, key=first.record_key, revision=first.revision + 1)
        plain = {"intent": "amend", "after_id": of, "due_at": None}
        row = delivery(rec, self.author, first.system, **{**plain, **values})
        return (await self.add([sub], [rec], [row]))[0]

    async def add(self, *groups: Sequence[Loose]) -> list[str]:
        def write(session: Session) -> list[str]:
            if session.get(Account, self.author.id) is None:
                session.add(self.author.model_copy())
                session.flush()
            for group in groups:
                session.add_all(group)
                session.flush()
            return [row.id for row in groups[-1]]

        return await self.store.write(write)

    async def get(self, delivery_id: str) -> Delivery:
        return (await self.all(Delivery, Delivery.id == delivery_id))[0]

    async def all(self, kind: Loose, *conditions: Loose) -> list[Loose]:
        order = kind.system if kind is SystemState else kind.id
        return await self.store.read(lambda s: list(s.exec(select(kind).where(*conditions).order_by(order)).all()))

    async def states(self) -> dict[str, State]:
        return {row.id: State(row.state) for row in await self.all(Delivery)}

    async def attempts(self, delivery_id: str) -> list[Attempt]:
        return await self.all(Attempt, Attempt.delivery_id == delivery_id)

    async def journal(self) -> list[tuple[str, str, str, str]]:
        return [(j.account_id, j.action, j.subject, j.why) for j in await self.all(JournalEntry)]

    async def health(self, system: str = "north") -> SystemState:
        return (await self.all(SystemState, SystemState.system == system))[0]

    async def drain(self, **later: float) -> None:
        """Let a fresh engine do everything that is due, some time from now."""
        if later:
            self.clock.tick(**later)
        await self.engine().drain()

    def deed(self, why: str = "mended there") -> Deed:
        return Deed(self.author, why, self.clock.now())


def spoil(session: Session, delivery_id: str, column: str, word: str) -> None:
    """Write a word of a newer program into a Delivery, past what the database itself would refuse."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA ignore_check_constraints=1")
    else:
        connection.exec_driver_sql('ALTER TABLE delivery DROP CONSTRAINT IF EXISTS "ck_delivery_state"')
    change = text(f"UPDATE delivery SET {column} = '{word}' WHERE id = :id")
    connection.execute(change, {"id": delivery_id})


WATCH = {
    "sqlite": (
        "CREATE TABLE moves (old TEXT, new TEXT)",
        """CREATE TRIGGER watch AFTER UPDATE ON delivery WHEN old.state <> new.state
           BEGIN INSERT INTO moves VALUES (old.state, new.state); END""",
    ),
    "postgresql": (
        "CREATE TABLE moves (old TEXT, new TEXT)",
        """CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN INSERT INTO moves VALUES (old.state, new.state); RETURN NULL; END $$""",
        """CREATE TRIGGER watch AFTER UPDATE ON delivery FOR EACH ROW
           WHEN (old.state IS DISTINCT FROM new.state) EXECUTE FUNCTION watch()""",
    ),
}


async def watch_moves(store: Store) -> Callable[[], Loose]:
    """Let the database itself note every change of state; return what reads the illegal ones back."""

    def install(session: Session) -> None:
        for statement in WATCH[store.writing.dialect.name]:
            session.connection().exec_driver_sql(statement)

    await store.write(install)

    async def illegal() -> set[tuple[str, str]]:
        rows = await store.read(lambda s: s.connection().execute(text("SELECT DISTINCT old, new FROM moves")).all())
        return {(old, new) for old, new in rows if not may_move(State(old), State(new))}

    return illegal


async def until(holds: Callable[[], bool], turns: int = 15_000) -> None:
    """Let other tasks run until something holds: for half a minute, since machines may be busy."""
    for _ in range(turns):
        if holds():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never came to hold")
