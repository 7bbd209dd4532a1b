"""Submissions that lived a full life and left traces in every table, to be erased by tests."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import SQLModel

from hub.erasure.erase import Deed, erase
from hub.errors import Problem
from hub.intake.accept import Accepted
from hub.model import (
    Attempt,
    Delivery,
    Issue,
    IssueStep,
    Reminder,
    Submission,
    Take,
    TrackDigest,
)
from hub.model.delivery import ENDED, State
from hub.model.issue import IssueState
from hub.store import Session, Store, open_store
from tests.builders import Loose
from tests.conftest import HandClock
from tests.some_connectors.county import BIN, PHOTO, County, visit

CANARY = "zkanarie-7f3a"
DAY = timedelta(days=1)


def full(answers: dict[str, Any] | None = None, **changes: object) -> dict[str, Any]:
    """A visit that becomes a row of every kind, with a word nobody else says in all of it."""
    finding = {
        "id": "dirt", "finding.category": "environment", "finding.severity": "ordinary",
        "finding.description": CANARY, "finding.photos": [PHOTO],
    }  # fmt: skip
    plain = {"household.head_name": CANARY, "visit.summary": CANARY, "bin": BIN, "findings": [finding]}
    seen = {"/household.head_name": {"system": "doors", "as_of": "2026-11-23T01:00:00Z"}}
    return visit(answers=plain | (answers or {}), seen=seen, **changes)


async def lived(county: County, body: dict[str, Any] | None = None) -> Accepted:
    """A Submission with a correction and a contested copy, all of it carried, quarrelled over, and come to an end."""
    body = body or full()
    first = await county.submit(body)
    await ended(county)
    with pytest.raises(Problem):
        await county.submit(body | {"answers": body["answers"] | {"visit.summary": CANARY + "!"}})
    await county.correct(first, full({"visit.summary": body["answers"]["visit.summary"], "visit.purpose": "safety"}))
    await ended(county)
    return first


async def ended(county: County) -> None:
    """Let every Delivery end as the outbox and people would, with traces in every table beside it."""
    now = county.clock.now()
    open_ones = [row for row in await county.rows(Delivery) if row.state not in ENDED]
    steps = [
        IssueStep(issue_id=row.id, old="", new="closed", account_id="eve", note=CANARY, at=now)
        for row in await county.rows(Issue)
    ]
    cast: list[SQLModel] = [
        Attempt(delivery_id=row.id, kind="push", number=1, started_at=now, ended_at=now, outcome="accepted",
                reason=CANARY, answer=CANARY)
        for row in open_ones
    ]  # fmt: skip
    takes = [Take(delivery_id=row.id, account_id="eve", until=now) for row in open_ones]
    reminders = [Reminder(delivery_id=row.id, department="x", opened_at=now, closed_at=now) for row in open_ones]

    tracked = {row.submission_id for row in await county.rows(TrackDigest)}
    tracks = [
        TrackDigest(submission_id=row.id, record_key=row.root_id, digest=f"d-{row.id}", occurred_at=now)
        for row in await county.rows(Submission)
        if row.id not in tracked and row.erased_at is None
    ]

    def write(session: Session) -> None:
        session.add_all([*cast, *steps, *takes, *reminders, *tracks])
        session.connection().execute(update(Issue).values(state=IssueState.CLOSED))

    await county.store.write(write)
    for number, row in enumerate(open_ones):
        state = State.CANCELLED if number == 1 else State.DELIVERED
        await county.put(row, state=state, reason=CANARY, remote_id=f"N-{CANARY}", settled_at=now)


def deed(county: County, why: str = "nobody needs it", account_id: str = "eve") -> Deed:
    return Deed(account_id, why, county.clock.now())


async def gone(county: County, accepted: Accepted) -> dict[str, int]:
    return await county.store.write(lambda s: erase(s, accepted.submission_id, deed(county)))


async def canaries(store: Store) -> dict[str, int]:
    """Where the word is still to be read, and how often, in every column of every table."""

    def walk(session: Session) -> dict[str, int]:
        found: dict[str, int] = {}
        for table in SQLModel.metadata.sorted_tables:
            for row in session.connection().execute(select(table)).mappings():
                for name, value in row.items():
                    said = value.decode() if isinstance(value, bytes) else repr(value)
                    if CANARY in said:
                        found[f"{table.name}.{name}"] = found.get(f"{table.name}.{name}", 0) + 1
        return found

    return await store.read(walk)


@pytest.fixture
async def county(store: Store, clock: HandClock) -> County:
    return await County(store, clock).settle()


@pytest.fixture
async def other(county: County, database_url: str) -> Loose:
    """Another process's store, where there can be one."""
    if database_url.startswith("sqlite"):
        yield county.store
        return
    opened = open_store(database_url)
    yield opened
    await opened.close()
