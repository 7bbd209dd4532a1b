"""The kill loop: a hub, people at work, and its processes killed one life after another; then the ledgers compared."""

import asyncio
import json
import random
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import create_engine, text

from tests.crash.books import PEOPLE, Books, wired
from tests.crash.mortal import Mortal, free_port
from tests.crash.officers import Officers, Told, settle_suspects
from tests.crash.verdict import Verdict, judge
from tests.fifth.ledger_world import ROOT, sign_in, submission

SIGKILL = signal.SIGKILL.value
IN_FLIGHT = 8
CLIENTS = 4
ANSWER_WITHIN = "2s"
THINKING_S = 0.02
"""How long a book takes to answer: no System is as quick as a loopback."""
REACHED_WITHIN_S = 15.0
STARTS = 20
"""How often a supervisor starts a process again that found no database."""
STILL_S = 60.0
"""How long nothing may move before what is open counts as stuck."""
LIFE_S = (0.1, 0.5)
"""When a random kill comes, after the hub was ready."""


ONCE = frozenset({"reap.read", "pull.lose"})
"""Passed when a life begins and then hardly ever."""


@dataclass
class County:
    """One hub with its books and people, on one database."""

    home: Path
    database_url: str
    seed: int = 20261122
    hub_path: Path | None = None
    books: Books = field(default_factory=Books)
    verdict: Verdict = field(default_factory=Verdict)
    port: int = field(default_factory=free_port)
    database_dies: bool = False
    told: Told = field(default_factory=Told)
    """What `submit` was answered; officers keep their own."""

    def __post_init__(self) -> None:
        self.books.answer_after_s = THINKING_S
        self.dice = random.Random(self.seed)
        self.client = httpx.AsyncClient(timeout=5, trust_env=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def mortal(self, command: str = "serve", **told: str) -> Mortal:
        """A process of this hub, not yet started."""
        self.home.mkdir(parents=True, exist_ok=True)
        settings = {
            "PROFILE": "test",
            "HOME": str(ROOT),
            "DATA_DIR": str(self.home),
            "DATABASE_URL": self.database_url,
            "PORT": str(self.port),
            "CONNECTORS_FILE": str(self.home / "connectors.yaml"),
            "CONNECTOR_PACKAGES": '["tests.crash.systems"]',
            "SEED_ACCOUNTS": str(self.home / "accounts.yaml"),
            "LOG_LEVEL": "warning",
        }
        return Mortal(command, self.home, settings | told, self.hub_path)

    def write_files(self, in_flight: int = IN_FLIGHT, answer_within: str = ANSWER_WITHIN) -> None:
        """Write what people write; the books must be listening."""
        self.home.mkdir(parents=True, exist_ok=True)
        wiring = wired(self.books.port, in_flight=in_flight, answer_within=answer_within)
        (self.home / "connectors.yaml").write_text(json.dumps(wiring))
        (self.home / "accounts.yaml").write_text(json.dumps(PEOPLE))

    async def officers(self, *, pulling: bool = True) -> tuple[Officers, list[asyncio.Task[None]]]:
        """Let people sign in and begin."""
        cookies = []
        for login in ("ada", "opal"):
            async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
                await sign_in(client, self.url, login)
                cookies.append(client.cookies)
        self.client.cookies = cookies[1]
        people = Officers(self.url, cookies[0], self.seed)
        tasks = [asyncio.create_task(people.work()) for _ in range(CLIENTS)]
        return people, [*tasks, asyncio.create_task(people.operate(cookies[1], pulling=pulling))]

    async def submit(self, number: int) -> None:
        """Fill one, as whoever `client` is signed in as."""
        client_id = f"0198c1de-7c1e-7a01-9d3f-{number:012x}"
        self.told.begun.add(client_id)
        answer = await self.client.post(
            f"{self.url}/api/v1/submissions",
            content=submission(number, client_id),
            headers={"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"},
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text
        self.told.acked[client_id] = answer.json()["number"]

    async def live_and_die(self, mortal: Mortal, deaths: Sequence[str | None]) -> None:
        """Kill a running process once for every name: at that failpoint, or at a random moment for None."""
        if mortal.returncode is None:
            mortal.kill()  # the life before was only there to begin with
        for name in deaths:
            alive = await self._begin(mortal, self._order(name))
            if name is None and alive:
                await asyncio.sleep(self.dice.uniform(*LIFE_S))
                mortal.kill()
            await self._note(mortal, name, reached=await mortal.died(REACHED_WITHIN_S))
        assert await self._begin(mortal, ""), mortal.last_words()

    async def _begin(self, mortal: Mortal, orders: str) -> bool:
        """Begin a life and wait until it can work; where the database dies too, a start may be refused."""
        for _ in range(STARTS):
            mortal.start(orders)
            alive = await mortal.ready(self.client, self.url)
            if alive or mortal.returncode == -SIGKILL or not self.database_dies:
                return alive
            self.verdict.deeds["start refused, tried again"] += 1
        raise AssertionError(mortal.last_words())

    def _order(self, name: str | None) -> str:
        if name is None:
            return ""
        most = 1 if name in ONCE else 12 if name.startswith("writer.") else 4
        return f"{name}=kill@{self.dice.randint(1, most)}"

    async def _note(self, mortal: Mortal, name: str | None, *, reached: bool) -> None:
        self.verdict.passed.update(mortal.passed)
        if not reached:
            self.verdict.unreached[str(name)] += 1
            mortal.kill()
            name = None
        self.verdict.kills[name or "random"] += 1
        if mortal.returncode != -SIGKILL:
            self.verdict.faults.append(f"{mortal.command} ended by itself: {mortal.last_words()}")

    async def drained(self) -> None:
        """Wait until nothing is open, by progress and not by a fixed time; give what is suspect back to the hub."""
        began, moved_at, before = time.monotonic(), time.monotonic(), -1
        while time.monotonic() < moved_at + STILL_S:
            states = await asyncio.to_thread(count_states, self.database_url)
            if states.get("parked"):
                self.verdict.suspects += await settle_suspects(self.client, self.url, self.books)
            still_open = sum(count for state, count in states.items() if state not in ("delivered", "cancelled"))
            if still_open == 0:
                break
            if still_open != before:
                before, moved_at = still_open, time.monotonic()
            await asyncio.sleep(0.2)
        self.verdict.drained_s.append(time.monotonic() - began)


def count_states(url: str) -> Mapping[str, int]:
    """Return how many Deliveries are in each state."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT state, count(*) FROM delivery GROUP BY state"))
            return {str(state): int(count) for state, count in rows}
    finally:
        engine.dispose()


def plan(kills: int, points: Sequence[str], at_random: int, dice: random.Random) -> list[str | None]:
    """Return how each life shall end: the points in turn, random moments in between."""
    at_points: list[str | None] = [points[n % len(points)] for n in range(kills - at_random)] if points else []
    deaths = at_points + [None] * (kills - len(at_points))
    dice.shuffle(deaths)
    return deaths


async def run_kills(
    home: Path,
    kills: int,
    points: Sequence[str],
    hub_path: Path | None = None,
    *,
    at_random: int = 0,
    seed: int = 20261122,
    beside: Callable[[County, Told], Awaitable[None]] | None = None,
) -> Verdict:
    """Kill one `hub serve` on SQLite `kills` times, at these failpoints in turn; `hub_path` holds another `hub`.

    `beside` runs while it is killed.
    """
    county = County(home, f"sqlite:///{home / 'hub.db'}", seed, hub_path)
    verdict = county.verdict
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(county.books)
        await stack.enter_async_context(county.client)
        county.write_files()
        hub = county.mortal()
        hub.start()
        stack.callback(lambda: hub.returncode is None and hub.kill())
        assert await hub.ready(county.client, county.url), hub.last_words()
        people, tasks = await county.officers()
        if beside is not None:
            tasks.append(asyncio.ensure_future(beside(county, people.told)))
        await county.live_and_die(hub, plan(kills, points, at_random, county.dice))
        people.running = False
        await asyncio.gather(*tasks)
        await county.drained()
        verdict.passed.update(hub.passed)
        verdict.demand(holds=await hub.stop() == 0, or_else=f"no orderly end: {hub.last_words()}")
        verdict.ready_s += hub.ready_s
    verdict.repeats_allowed = kills * IN_FLIGHT * len(county.books.seen)
    judge(verdict, county.database_url, home, people.told, county.books)
    return verdict


def shares(kills: int, lanes: int) -> Iterator[int]:
    """Divide kills over lanes that run side by side."""
    for lane in range(lanes):
        yield kills // lanes + (lane < kills % lanes)
