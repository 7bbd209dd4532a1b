"""Erasing killed at its points: each Submission is erased wholly, with its proof, or not at all; then it goes on."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import Session, col, select

from hub.erasure.erase import Deed
from hub.erasure.sweep import AT_ONCE, Swept, erase_older
from hub.failpoint import POINTS
from hub.model import Attempt, Delivery, JournalEntry, Record, Submission
from hub.model.delivery import State
from hub.store import Store, open_store
from tests.builders import AT, account, delivery, record, submission
from tests.fifth.ledger_world import ROOT

NOW = AT + timedelta(days=1200)
MANY = 3 * AT_ONCE
ERASING = tuple(name for name in POINTS if name.startswith("erase."))
DEATHS = (
    *((f"{name}=kill@{AT_ONCE // 2}", 0) for name in ERASING),
    ("writer.before_commit=kill@1", 0),
    ("writer.committed=kill@1", AT_ONCE),
)
"""How it dies, and how many it has erased by then."""
PROCESS = """
import asyncio, sys
from hub.failpoint import arm
from hub.store import open_store
from tests.crash.orders import Acting, read_orders
from tests.crash.test_erase_killed import sweep

async def main():
    store = open_store(sys.argv[1])
    await sweep(store)
    await store.close()

arm(Acting(read_orders(sys.argv[2])))
asyncio.run(main())
"""


async def sweep(store: Store) -> Swept:
    """Erase what is older than three years, as the worker does."""
    return await erase_older(store, NOW - timedelta(days=1095), Deed("", "its time is over", NOW))


async def prepared(url: str) -> None:
    """Old Submissions, each with a Record, a Delivery and an attempt."""
    store, author = open_store(url), account()

    def write(session: Session) -> None:
        session.add(author)
        session.flush()
        subs = [submission(author) for _ in range(MANY)]
        records = [record(sub) for sub in subs]
        owed = [delivery(of, author) for of in records]
        for rows in (subs, records, owed):
            session.add_all(rows)
            session.flush()
        session.add_all(Attempt(delivery_id=row.id, kind="push", number=1, started_at=AT) for row in owed)
        session.connection().execute(update(Delivery).values(state=State.DELIVERED, due_at=None))

    await store.write(write)
    await store.close()


async def judged(url: str) -> int:
    """Return how many are erased; each is erased wholly, or wholly there."""
    store = open_store(url)

    def look(session: Session) -> tuple[set[str], set[str], set[str], list[str]]:
        wiped = session.exec(
            select(Submission.id).where(Submission.body == b"", col(Submission.erased_at).is_not(None))
        )
        whole = select(Submission.id).join(Record).join(Delivery).join(Attempt, col(Attempt.delivery_id) == Delivery.id)
        kept = session.exec(whole.where(Submission.body != b"", Record.content != b""))
        hollow = session.exec(select(Record.submission_id).where(Record.content == b""))
        proofs = session.exec(select(JournalEntry.subject).where(JournalEntry.action == "submission.erased"))
        return set(wiped), set(kept), set(hollow), list(proofs)

    wiped, kept, hollow, proofs = await store.read(look)
    await store.close()
    assert wiped == hollow == set(proofs)
    assert len(proofs) == len(wiped)
    assert not wiped & kept
    assert len(wiped | kept) == MANY
    return len(wiped)


@pytest.mark.fault("F31")
async def test_erasing_killed_anywhere_has_erased_some_wholly_and_goes_on(database_url: str) -> None:
    await prepared(database_url)
    erased = 0
    for orders, more in DEATHS:
        line = [sys.executable, "-c", PROCESS, database_url, orders]
        ended = await asyncio.to_thread(
            subprocess.run, line, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False, capture_output=True
        )
        assert ended.returncode == -9, f"{orders} was not reached: {ended.stderr.decode()}"
        erased += more
        assert await judged(database_url) == erased, orders
    assert 0 < erased < MANY
    store = open_store(database_url)
    assert await sweep(store) == Swept(MANY - erased, 0)
    await store.close()
    assert await judged(database_url) == MANY
