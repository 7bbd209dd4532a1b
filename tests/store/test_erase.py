"""Erasing: nothing of what was filled in is left, the id stays taken, and nobody loses what is still owed (F31)."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from hub.erasure.erase import erase
from hub.errors import Phrase, Problem
from hub.intake.accept import Accepted
from hub.model import (
    Attempt,
    Contest,
    Delivery,
    Discrepancy,
    Issue,
    IssueStep,
    JournalEntry,
    Record,
    Reminder,
    Submission,
    Take,
)
from hub.model.column import id_before, new_id
from hub.model.delivery import ENDED, State
from hub.model.issue import IssueState
from hub.outbox.hand import Deed as Order
from hub.outbox.hand import replay
from hub.store import Session, Store, open_store
from hub.store.query.counts import advance, delivery_counts, keep, totals
from tests.builders import delivery, record, submission
from tests.conftest import HandClock
from tests.some_connectors.county import BIN, DIRT, County, visit
from tests.store.erased import CANARY, canaries, county, deed, ended, full, gone, lived

__all__ = ["county"]
pytestmark = pytest.mark.fault("F31")


async def counted(store: Store) -> dict[str, Any]:
    """What /metrics says."""

    def count(session: Session) -> dict[str, Any]:
        made = totals(session)
        return {**made, "states": delivery_counts(session, made["delivery"])}

    return await store.read(count)


async def refused(county: County, accepted: Accepted) -> Problem:
    with pytest.raises(Problem) as caught:
        await gone(county, accepted)
    return caught.value


def still_open(kind: str, system: str, state: State | IssueState) -> dict[str, Any]:
    """What a refusal names when one thing of this kind is open."""
    return {"open": (Phrase(f"open.{kind}", {"system": system, "state": state.words, "count": 1}),)}


async def test_nothing_of_what_was_filled_in_is_left_in_any_column_of_any_table(county: County) -> None:
    first = await lived(county)
    bystander = await county.submit(visit())
    before = await canaries(county.store)
    assert {place.partition(".")[0] for place in before} == {
        "submission", "contest", "record", "delivery", "attempt", "issue_step", "discrepancy",
    }  # fmt: skip
    rows = await gone(county, first)
    assert await canaries(county.store) == {}
    # All that is left is hollow, and everybody else's is untouched.
    left = [row for row in await county.rows(Submission) if row.root_id == first.submission_id]
    assert [(row.body, row.digest, row.place_id, row.erased_at) for row in left] == [
        (b"", "", None, county.clock.now())
    ] * 2
    mine = {row.id for row in left}
    records = [row for row in await county.rows(Record) if row.submission_id in mine]
    assert {(row.content, row.place_id) for row in records} == {(b"", None)}
    assert {row.submission_id for row in await county.rows(Record, content=b"")} <= mine
    for kind in (Attempt, IssueStep, Take, Reminder, Discrepancy, Contest):
        assert await county.rows(kind) == [], kind
    others = await county.deliveries(bystander)
    assert {row.id for row in await county.rows(Delivery)} == {row.id for row in others.values()}
    assert rows["submission"] == 2
    assert rows["record"] == len(records)
    assert {"delivery", "attempt", "skip", "issue", "issue_step", "discrepancy", "contest"} <= rows.keys()


async def test_one_proof_says_who_when_why_and_how_many_rows_of_what(county: County, clock: HandClock) -> None:
    first = await lived(county)
    clock.tick(days=2)
    before = await county.counts()
    rows = await gone(county, first)
    (proof,) = await county.rows(JournalEntry, action="submission.erased")
    assert (proof.account_id, proof.at, proof.subject) == ("eve", county.clock.now(), first.submission_id)
    words = ", ".join(f"{name} {count}" for name, count in sorted(rows.items()))
    assert proof.why == f"nobody needs it [{words}]"
    after = await county.counts()
    stay = {"submission", "record"}
    assert {name: before[name] - after[name] for name in rows if name not in stay} == {
        name: count for name, count in rows.items() if name not in stay
    }
    assert {name: after[name] - before[name] for name in after if name not in rows and after[name] != before[name]} == {
        "journal": 1, "tally": after["tally"] - before["tally"],
    }  # fmt: skip


async def much_later(county: County) -> None:
    """Store a Delivery and an attempt of in an hour: all that came before them is then tallied for good."""
    then = id_before(new_id(), timedelta(hours=-1))
    sub = submission(county.ada, received_at=county.clock.now())
    of = record(sub)
    owed = delivery(of, county.ada, "doors", id=then)
    tried = Attempt(id=then, delivery_id=then, kind="push", number=1, started_at=county.clock.now())

    def write(session: Session) -> None:
        for row in (sub, of, owed, tried):
            session.add(row)
            session.flush()

    await county.store.write(write)


@pytest.mark.parametrize("tallied", ["never", "in part", "wholly", "under way"])
async def test_totals_stay_right(county: County, clock: HandClock, tallied: str) -> None:
    first = await lived(county)
    clock.tick(hours=1)  # so that a count under way takes it in
    await county.submit(visit())
    if tallied == "wholly":
        await much_later(county)
    before = await counted(county.store)
    assert sum(count for (_, state), count in before["states"].items() if state is State.CANCELLED) == 2
    if tallied in {"in part", "wholly"}:
        advances = await county.store.read(advance)
        await county.store.write(lambda s: keep(s, advances))
    counting = await county.store.read(advance)
    await gone(county, first)
    assert await counted(county.store) == before
    if tallied == "under way":  # another process counted before, and keeps after
        await county.store.write(lambda s: keep(s, counting))
        assert await counted(county.store) == before
    later = await county.store.read(advance)
    await county.store.write(lambda s: keep(s, later))
    assert await counted(county.store) == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_words_are_gone_from_the_file_and_its_log(database_url: str, clock: HandClock) -> None:
    """Also copies that a row left behind in its page when it moved, and long texts on pages of their own."""
    file = Path(database_url.removeprefix("sqlite:///"))
    store = open_store(database_url)
    county = await County(store, clock).settle()
    long = [DIRT | {"id": f"dirt-{number}", "finding.description": CANARY * 30} for number in range(15)]
    roots = [await lived(county, full({"findings": long})) for _ in range(3)]
    for root in roots:
        await gone(county, root)
    await store.close()
    whole = await asyncio.to_thread(file.read_bytes)
    assert CANARY.encode() not in whole
    assert not file.with_name(file.name + "-wal").exists()
    assert b"submission.erased" in whole, "what was written last is in the file"


async def test_its_id_stays_taken_whatever_comes_under_it(county: County, clock: HandClock) -> None:
    body = full()
    first = await lived(county, body)
    second = full()
    await county.correct(first, second)
    await ended(county)
    await gone(county, first)
    before, rung = await county.counts(), list(county.rung)
    clock.tick(days=400)
    for again in (body, body | {"answers": body["answers"] | {"visit.purpose": "safety"}}, second):
        with pytest.raises(Problem) as caught:
            await county.submit(again)
        assert (caught.value.code, caught.value.status) == ("submission.erased", 410)
        assert caught.value.params == {"day": "2026-11-23"}
    for earlier in (row.id for row in await county.rows(Submission)):
        for correction in (full({"findings": [DIRT]}), second):
            with pytest.raises(Problem) as caught:
                await county.correct(earlier, correction)
            assert (caught.value.code, caught.value.status) == ("submission.erased", 410)
    assert await county.counts() == before
    assert county.rung == rung
    assert await canaries(county.store) == {}


async def test_where_nothing_is_asked_beforehand_the_writer_finds_out(county: County) -> None:
    answers = dict.fromkeys(visit()["answers"]) | {"check_in.purpose": "duty", "check_in.note": CANARY}
    body = visit(form="check_in", place=None, answers=answers)
    first = await county.submit(body)
    await ended(county)
    await gone(county, first)
    for again in (body, body | {"answers": {"check_in.purpose": "help", "check_in.note": CANARY}}):
        with pytest.raises(Problem, match=r"submission\.erased"):
            await county.submit(again)
    assert await canaries(county.store) == {}


async def test_what_was_erased_can_be_replayed_by_nobody(county: County) -> None:
    first = await lived(county)
    owed = [row.id for row in await county.rows(Delivery)]
    await gone(county, first)
    order = Order(county.eve, "again", county.clock.now())
    assert await county.store.write(lambda s: replay(s, owed, order)) == []
    assert await county.rows(Delivery) == []


@pytest.mark.parametrize("state", sorted(set(State) - ENDED))
async def test_what_is_still_owed_is_not_erased(county: County, state: State) -> None:
    first = await lived(county)
    row = (await county.rows(Delivery))[0]
    leased = {"lease_token": row.id, "leased_until": county.clock.now()} if state is State.LEASED else {}
    await county.put(row, state=state, **leased)
    before = await county.counts()
    problem = await refused(county, first)
    assert (problem.code, problem.status) == ("submission.open", 409)
    assert problem.params == still_open("delivery", row.system, state)
    assert await county.counts() == before
    assert await canaries(county.store) != {}
    await county.put(row, state=State.DELIVERED, lease_token=None, leased_until=None)
    await gone(county, first)
    assert await canaries(county.store) == {}


async def test_nor_what_somebody_is_still_working_on(county: County) -> None:
    first = await lived(county)
    await county.store.write(lambda s: s.connection().execute(update(Issue).values(state="handled")) and None)
    assert (await refused(county, first)).params == still_open("issue", "", IssueState.HANDLED)


async def test_nor_what_another_one_waits_behind(county: County) -> None:
    """Of an ordered flow: whoever waits is let go by the end of the one before, which must be there to be seen."""
    first = await lived(county)
    other = await county.submit(visit(answers={"bin": BIN}))
    before = (await county.rows(Delivery, system="bins"))[0]
    waiting = (await county.deliveries(other))["bins/bin_score"]
    await county.put(waiting, after_id=before.id)
    assert (await refused(county, first)).params == still_open("behind", "bins", State.WAITING)


async def test_a_reason_is_needed_and_something_to_erase(county: County) -> None:
    first = await lived(county)
    for why in ("", "  "):
        with pytest.raises(Problem, match=r"reason\.needed"):
            await county.store.write(lambda s, why=why: erase(s, first.submission_id, deed(county, why)))
    with pytest.raises(Problem, match=r"submission\.unknown"):
        await county.store.write(lambda s: erase(s, "nobody", deed(county)))
