"""Compares what people were told, what the database keeps and what the Systems got. LEFT JOINs see missing children."""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import create_engine, make_url, text

from hub.store.blobs import blob_path
from tests.crash.books import ASKED, BOOKS, Books, row_code
from tests.crash.officers import Told

ENDED = {"delivered", "cancelled"}
FANOUT = (
    "SELECT s.client_id, coalesce(d.key, ''), coalesce(d.state, ''), coalesce(d.system, ''), "
    "coalesce(s.withdrawn_by, '') FROM submission s LEFT JOIN record r ON r.submission_id = s.id "
    "LEFT JOIN delivery d ON d.record_id = r.id"
)
WITHDRAWN = (
    "SELECT s.root_id, d.record_key || d.system, d.revision, d.intent, d.state FROM submission s "
    "LEFT JOIN record r ON r.submission_id = s.id LEFT JOIN delivery d ON d.record_id = r.id "
    "WHERE s.root_id IN (SELECT root_id FROM submission WHERE withdrawn_by IS NOT NULL) ORDER BY d.revision"
)
MOVED = (
    "SELECT count(*) FROM submission a LEFT JOIN submission b ON b.id = a.moved_to "
    "WHERE a.moved_to IS NOT NULL AND coalesce(b.moved_from, '') != a.root_id"
)
UNWRITTEN = (
    "SELECT s.root_id FROM submission s LEFT JOIN journal j ON j.subject = s.root_id AND j.action LIKE 'submission.%' "
    "GROUP BY s.root_id HAVING count(DISTINCT s.id) != count(DISTINCT j.id)"
)


@dataclass
class Verdict:
    """The figures of a run; `faults` says in words what is wrong, and is empty when nothing is."""

    kills: Counter[str] = field(default_factory=Counter)
    """By what killed: a failpoint's name, `random`, or what was done to the database."""
    passed: Counter[str] = field(default_factory=Counter)
    """Lives in which a point was passed."""
    unreached: Counter[str] = field(default_factory=Counter)
    acked: int = 0
    deliveries: int = 0
    repeats: int = 0
    repeats_allowed: int = 0
    replayed: int = 0
    suspects: int = 0
    photos: int = 0
    orphans: int = 0
    rows_pulled: int = 0
    ready_s: list[float] = field(default_factory=list)
    drained_s: list[float] = field(default_factory=list)
    deeds: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def add(self, other: "Verdict") -> None:
        """Take another run's figures in."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            if isinstance(mine, Counter):
                mine.update(value)
            else:
                setattr(self, name, mine + value)

    def demand(self, *, holds: bool, or_else: str) -> None:
        """Note a fault unless it holds."""
        if not holds:
            self.faults.append(or_else)

    def figures(self) -> dict[str, Any]:
        """Return what docs quote."""
        ready = sorted(self.ready_s) or [0.0]
        return {
            "kills": self.kills.total(),
            "at_random": self.kills["random"],
            "acked": self.acked,
            "deliveries": self.deliveries,
            "repeats": self.repeats,
            "repeats_allowed": self.repeats_allowed,
            "replayed_by_hand": self.replayed,
            "parked_after_five_lost": self.suspects,
            "photos": self.photos,
            "orphan_files": self.orphans,
            "rows_pulled": self.rows_pulled,
            "ready_p50_s": round(median(ready), 2),
            "ready_max_s": round(ready[-1], 2),
            "drained_max_s": round(max(self.drained_s, default=0.0), 1),
            "did": dict(self.deeds),
            "killed_at": dict(sorted(self.kills.items())),
            "unreached": dict(self.unreached),
            "faults": self.faults,
        }

    def said(self) -> str:
        """Return the figures in one line."""
        f = self.figures()
        found = "0 lost, 0 phantom, 0 torn, 0 stuck" if not self.faults else f"{len(self.faults)} FAULTS"
        return (
            f"{f['kills']} kills ({f['at_random']} at random), {f['acked']} acked, {f['deliveries']} deliveries: "
            f"{found}, {f['repeats']} repeats (of {f['repeats_allowed']} allowed); ready p50 {f['ready_p50_s']} s, "
            f"max {f['ready_max_s']} s"
        )


def judge(verdict: Verdict, url: str, home: Path, told: Told, books: Books) -> None:
    """Fill in what the three ledgers say."""
    fanout, tables = _read(url)
    _judge_intake(verdict, fanout, told)
    _judge_sending(verdict, fanout, books)
    _judge_withdrawals(verdict, tables, told)
    _judge_photos(verdict, tables["photos"], home, told)
    _judge_pulls(verdict, tables)
    unwritten = len(tables["unwritten"])
    verdict.demand(holds=not unwritten, or_else=f"the journal does not fit the submissions: {unwritten}")
    open_attempts = tables["open_attempts"][0][0]
    verdict.demand(holds=open_attempts == 0, or_else=f"{open_attempts} attempts were never closed")
    verdict.demand(holds=not told.odd, or_else=f"odd answers: {dict(told.odd)}")
    verdict.demand(holds=len(told.acked) > 0, or_else="nothing was acknowledged: the run proves nothing")
    verdict.deeds.update(told.deeds)
    verdict.replayed = tables["replays"][0][0]
    _judge_repeats(verdict, tables["replayed"], books)
    if url.startswith("sqlite"):
        verdict.demand(holds=_is_whole(url), or_else="integrity_check is not ok")


def _read(url: str) -> tuple[list[tuple[str, ...]], dict[str, list[Any]]]:
    engine = create_engine(url)
    queries = {
        "photos": "SELECT DISTINCT sha256 FROM attachment",
        "cursor": "SELECT cursor FROM pull_cursor",
        "aliases": "SELECT code FROM alias",
        "unwritten": UNWRITTEN,
        "withdrawn": WITHDRAWN,
        "moved": MOVED,
        "open_attempts": "SELECT count(*) FROM attempt WHERE ended_at IS NULL",
        "replays": "SELECT count(*) FROM journal WHERE action = 'delivery.replayed'",
        "replayed": "SELECT d.key, count(*) FROM journal j JOIN delivery d ON d.id = j.subject "
        "WHERE j.action = 'delivery.replayed' GROUP BY d.key",
    }
    try:
        with engine.connect() as connection:
            fanout = [tuple(row) for row in connection.execute(text(FANOUT))]
            return fanout, {name: list(connection.execute(text(sql))) for name, sql in queries.items()}
    finally:
        engine.dispose()


def _judge_intake(verdict: Verdict, fanout: list[tuple[str, ...]], told: Told) -> None:
    stored = {row[0] for row in fanout if not row[4]}  # a withdrawal is a row that nobody sent
    verdict.acked = len(told.acked)
    lost, phantom = told.acked.keys() - stored, stored - told.begun
    verdict.demand(holds=not lost, or_else=f"lost after acknowledgement: {len(lost)}")
    verdict.demand(holds=not phantom, or_else=f"phantom submissions: {len(phantom)}")
    systems: dict[str, list[str]] = {}
    for client_id, _, _, system, withdrawn_by in fanout:
        if not withdrawn_by:
            systems.setdefault(client_id, []).append(system)
    torn = [client_id for client_id, names in systems.items() if sorted(names) != sorted(BOOKS)]
    verdict.demand(holds=not torn, or_else=f"torn or doubled fan-outs: {len(torn)}")


def _judge_sending(verdict: Verdict, fanout: list[tuple[str, ...]], books: Books) -> None:
    states = {key: (state, system) for _, key, state, system, _ in fanout if key}
    verdict.deliveries = len(states)
    stuck = Counter(state for state, _ in states.values() if state not in ENDED)
    verdict.demand(holds=not stuck, or_else=f"stuck: {dict(stuck)}")
    undelivered = [
        key for key, (state, system) in states.items() if state == "delivered" and key not in books.seen[system]
    ]
    verdict.demand(holds=not undelivered, or_else=f"called delivered, never received: {len(undelivered)}")
    arrived = {(name, key) for name, count in books.seen.items() for key in count}
    phantom = [key for name, key in arrived if states.get(key, ("", ""))[1] != name]
    verdict.demand(holds=not phantom, or_else=f"received, but not owed: {len(phantom)}")
    cancelled = [key for _, key in arrived if states.get(key, ("",))[0] == "cancelled"]
    verdict.demand(holds=not cancelled, or_else=f"received, but cancelled as never sent: {len(cancelled)}")


def _judge_withdrawals(verdict: Verdict, tables: Mapping[str, list[Any]], told: Told) -> None:
    """What somebody was told is withdrawn is so, and stays nowhere: taken back, or never sent."""
    chains: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for root_id, chain, _, intent, state in tables["withdrawn"]:
        chains.setdefault((root_id, chain or ""), []).append((intent, state))
    lost = told.withdrawn - {root_id for root_id, _ in chains}
    verdict.demand(holds=not lost, or_else=f"withdrawals lost after acknowledgement: {len(lost)}")
    ends = {key: [intent for intent, state in chain if state == "delivered"] for key, chain in chains.items()}
    there = [key for key, delivered in ends.items() if delivered and delivered[-1] != "withdraw"]
    verdict.demand(holds=not there, or_else=f"withdrawn, and still there: {len(there)}")
    halves = tables["moved"][0][0]
    verdict.demand(holds=halves == 0, or_else=f"moves without what they filed: {halves}")


def _judge_repeats(verdict: Verdict, replayed: list[Any], books: Books) -> None:
    """A repeat is what a crash made come again; what a person sent again on purpose is none."""
    asked_for: Mapping[str, int] = dict(replayed)
    again = {key: n - 1 for count in books.seen.values() for key, n in count.items()}
    verdict.repeats = sum(max(0, n - asked_for.get(key, 0)) for key, n in again.items())
    changed = sum(len(bodies) != 1 for bodies in books.bodies.values())
    verdict.demand(holds=not changed, or_else=f"came again with other bytes: {changed}")
    doubled = [key for key, n in books.seen[ASKED].items() if n > 1]
    verdict.demand(holds=not doubled, or_else=f"doubled where keys are not honoured: {len(doubled)}")
    too_many = verdict.repeats > verdict.repeats_allowed
    verdict.demand(holds=not too_many, or_else=f"{verdict.repeats} repeats, {verdict.repeats_allowed} allowed")


def _judge_photos(verdict: Verdict, rows: list[Any], home: Path, told: Told) -> None:
    named = {sha256 for (sha256,) in rows}
    kept = {path.name for path in (home / "blobs").glob("[0-9a-f][0-9a-f]/*")}
    verdict.photos, verdict.orphans = len(named), len(kept - named)
    verdict.demand(holds=told.photos <= named, or_else=f"photos lost: {len(told.photos - named)}")
    verdict.demand(holds=named <= kept, or_else=f"rows of photos without a file: {len(named - kept)}")
    torn = [sha for sha in kept if hashlib.sha256(blob_path(home, sha).read_bytes()).hexdigest() != sha]
    verdict.demand(holds=not torn, or_else=f"photos torn: {len(torn)}")
    arriving = list((home / "blobs" / "arriving").glob("*"))
    verdict.demand(holds=not arriving, or_else=f"half photos left behind: {len(arriving)}")


def _judge_pulls(verdict: Verdict, tables: Mapping[str, list[Any]]) -> None:
    """The rows stored are those before the cursor, all of them and no other."""
    position = int(tables["cursor"][0][0] or 0) if tables["cursor"] else 0
    stored = {code for (code,) in tables["aliases"]}
    verdict.rows_pulled = len(stored)
    expected = {row_code(n) for n in range(position)}
    verdict.demand(holds=stored == expected, or_else=f"{len(stored ^ expected)} pulled rows do not fit the cursor")


def _is_whole(url: str) -> bool:
    with closing(sqlite3.connect(str(make_url(url).database))) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def write_figures(name: str, verdict: Verdict) -> None:
    """Keep the figures of a run where docs can quote them (git-ignored)."""
    path = Path(__file__).parents[2] / "var" / "crash" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(verdict.figures(), indent=2, ensure_ascii=False) + "\n")
