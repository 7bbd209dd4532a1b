"""One hub in process on a real database: intake, engine and store as built for production, Systems and time by hand."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from random import Random

from sqlalchemy import update

from hub.erasure.erase import Deed as Erasing
from hub.erasure.erase import erase
from hub.intake.accept import Intake
from hub.intake.plan import Rules
from hub.model.issue import Issue, IssueState
from hub.model.people import Account
from hub.model.place import Alias, Place
from hub.outbox.capacity import Line
from hub.outbox.engine import Engine
from hub.outbox.hand import Deed
from hub.sdk import Capabilities
from hub.store import Session
from hub.systems import Flow, Registry
from tests.builders import Loose, watch_moves
from tests.conftest import HandClock
from tests.machine.mortal import Mortal
from tests.machine.peer import Ledger, Peer, peer
from tests.some_connectors.county import VILLAGE, County

CAN = {
    "doors": Capabilities(honours_key=True, amends=True),
    "bins": Capabilities(honours_key=False, probes=True, probes_changes=True, amends=True, withdraws=True),
    "files": Capabilities(honours_key=False, amends=True, withdraws=True),
    "rivers": Capabilities(honours_key=True, probes=True, probes_changes=True, answers_later=True, amends=True),
}
"""Every kind of honesty a System can have, one each; `bins` also has the ordered flow."""
ANSWER_WITHIN_S = {"doors": 30, "bins": 100, "files": 20, "rivers": 45}
POINTS = (
    "intake.begin", "intake.row", "intake.fanout", "intake.committed", "revise.written", "revise.committed",
    "claim.leased", "claim.committed", "send.before", "send.after", "probe.before", "probe.after", "settle.written",
    "settle.committed", "release.written", "reap.read", "replay.moved", "resume.written", "writer.before_commit",
    "writer.committed", "erase.wiped", "withdraw.written", "withdraw.committed", "move.written", "move.committed",
)  # fmt: skip
"""Where the hub may die; tests/crash kills real processes at all there are."""
KEPT = ("account", "place", "alias", "snapshot", "attachment", "alembic_version", "moves")


HOME, NEXT_DOOR = "D-1", "D-2"
"""Two households that every System knows, so that the same form owes the same at both."""


def add_next_door(session: Session) -> None:
    """Put a household beside the first one, known to the same Systems."""
    now = HandClock().now()
    session.add(Place(id="next", kind="household", name="next", division=VILLAGE, token="token-next", created_at=now))
    session.flush()
    for issuer, code in (("doors", NEXT_DOOR), ("bins", "B-2"), ("files", "F-2")):
        session.add(Alias(issuer=issuer, code=code, place_id="next", is_key=True, told_by=issuer, since=now))


class Stage(Mortal):
    """A database, a clock and a loop that outlive hubs; the hub on it can die and come back at any step."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.county = County(self.store, self.clock)
        self.loop.do(self.county.settle())
        self.loop.do(self.store.write(add_next_door))
        self.loop.do(watch_moves(self.store))
        self.ledger = Ledger()
        self.peers: dict[str, Peer] = {}
        self.registry: Registry = self.county.registry
        self.engine: Engine | None = None

    @property
    def sole(self) -> bool:
        """Whether no other process can share the database."""
        return self.url.startswith("sqlite")

    def begin(self) -> None:
        """Start a story: nothing is known but the county, every System is wired."""
        self.clock.at, self.clock.steady = HandClock().at, HandClock().steady
        self.ledger = Ledger()
        self.peers = {name: peer(can, self.ledger) for name, can in CAN.items()}
        self.registry = self.county.registry
        self.start()

    def start(self) -> None:
        """Put a hub together on what the database holds, and let it run."""
        lines = {
            name: Line(self.peers[name], 2, 1_000, timedelta(seconds=ANSWER_WITHIN_S[name]))
            for name in self.registry.systems
        }
        self.engine = Engine(
            self.store, self.clock, lines, timedelta(seconds=1), Random(1), settle_pauses_s=(), sole=self.sole
        )
        rules = Rules(self.county.catalog, self.registry)
        self.intake = Intake(self.store, self.clock, rules, self.engine)
        self.loop.create_task(self.engine.run())
        self.loop.settle()

    def stop(self) -> None:
        """End the hub as SIGTERM does, with no time for attempts under way."""
        engine, self.engine = self.engine, None
        if engine is not None:
            self.loop.do(engine.stop(timedelta(0)))
        self._drop()

    def die(self) -> None:
        self.engine = None
        super().die()

    def _drop(self) -> None:
        super()._drop()
        self.county.store = self.store

    def begin_to(self, work: Loose) -> None:
        """Let the hub begin something that may have to wait for a System."""
        self.loop.create_task(work)
        self.settle()

    def settle(self) -> None:
        """Finish what follows from something outside: an answer, the passing of time."""
        self.do(asyncio.sleep(0))

    def rewire(self, names: frozenset[str], *, amend_doors: bool) -> None:
        """Let connectors.yaml name only these Systems from the next start on; `doors` may stop taking amendments."""
        whole = self.county.registry

        def edited(flow: Flow) -> Flow:
            never = flow.system == "doors" and not amend_doors
            return replace(flow, amend="never", amend_reason={"zh": "不改", "en": "no"}, version="2") if never else flow

        flows = {
            record: tuple(edited(flow) for flow in of_record if flow.system in names)
            for record, of_record in whole.flows.items()
        }
        systems = {name: system for name, system in whole.systems.items() if name in names}
        self.registry = replace(whole, systems=systems, flows=flows)

    def set_clock(self, hours: int) -> None:
        """Set the wall clock, as an administrator or NTP does; no time passes."""
        self.clock.at += timedelta(hours=hours)

    def deed(self, who: Account | None = None) -> Deed:
        return Deed(who or self.county.ada, "looked there", self.clock.now())

    def erase(self, session: Session, submission_id: str) -> None:
        """Close every Issue and erase a Submission; photos that went with it are uploaded again for the next one."""
        session.connection().execute(update(Issue).values(state=IssueState.CLOSED))
        erase(session, submission_id, Erasing("ada", "asked for", self.clock.now()))
        for photo in self.county.photos():
            session.merge(photo)

    def forget(self) -> None:
        """Empty everything but the county, for the next story."""
        self.die()
        tables = [table.name for table in reversed(type(self.county.ada).metadata.sorted_tables)]
        gone = [name for name in (*tables, "moves") if name not in KEPT[:-1]]

        def write(session: Loose) -> None:
            for name in gone:
                session.connection().exec_driver_sql(f"DELETE FROM {name}")

        self.loop.do(self.store.write(write))
