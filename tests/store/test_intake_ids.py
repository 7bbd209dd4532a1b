"""Ids lie in the time of what they name, are always the same, and those of an older hub are still found."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import delete, text

from hub.errors import Problem
from hub.intake.filled import NAMESPACE
from hub.model import Contest, Delivery, Record, Submission
from hub.model.column import child_id, named_id
from hub.store import Session, Store
from hub.store.query.submissions import ORDER
from tests.conftest import HandClock
from tests.some_connectors.county import County, visit

ID = "0198c1de-7c1e-4a01-9d3f-5f1d3a1f0c11"
OLD = named_id(NAMESPACE, f"ada/{ID}")


@pytest.fixture
async def county(store: Store, clock: HandClock) -> County:
    return await County(store, clock).settle()


async def kept_by_an_older_hub(county: County) -> str:
    """Leave a Submission as a hub before these ids left it: under the UUID of its name."""
    await county.submit(visit(id=ID))
    (row,) = await county.rows(Submission)

    def write(session: Session) -> None:
        for table in reversed(ORDER.values()):
            session.connection().execute(delete(table))
        session.add(Submission(**row.model_dump() | {"id": OLD, "root_id": OLD}))

    await county.store.write(write)
    return OLD


async def test_ids_lie_in_the_time_their_author_reports(county: County) -> None:
    times = ["2026-11-23T00:50:00Z", "2026-11-23T00:51:00Z", "2026-11-23T00:52:00Z"]
    made = [(await county.submit(visit(reported_at=at))).submission_id for at in times]
    assert made == sorted(made)
    assert {one[14] for one in made} == {"8"}
    assert {UUID(one).variant for one in made} == {"specified in RFC 4122"}
    records = await county.rows(Record)
    assert len(records) == 3
    for record in records:
        assert record.submission_id[:13] == record.key[:13] == record.id[:13]
        assert len({record.submission_id, record.key, record.id}) == 3


async def test_the_same_content_has_the_same_ids_on_every_hub(county: County) -> None:
    body = visit(id=ID)
    first = await county.submit(body)
    keys = {row.key for row in await county.rows(Delivery)}

    def forget(session: Session) -> None:
        for table in reversed(ORDER.values()):
            session.connection().execute(delete(table))

    await county.store.write(forget)
    assert (await county.submit(body)).submission_id == first.submission_id
    assert {row.key for row in await county.rows(Delivery)} == keys


async def test_the_id_of_another_content_is_taken_though_it_would_lie_in_another_time(county: County) -> None:
    first = await county.submit(visit(id=ID))
    with pytest.raises(Problem, match=r"submission\.conflict"):
        await county.submit(visit(id=ID, reported_at="2026-11-23T00:59:00Z"))
    assert [row.submission_id for row in await county.rows(Contest)] == [first.submission_id]
    assert len(await county.rows(Submission)) == 1


async def test_what_an_older_hub_kept_is_known_when_it_is_sent_again(county: County) -> None:
    old = await kept_by_an_older_hub(county)
    again = await county.submit(visit(id=ID))
    assert (again.submission_id, again.created) == (old, False)
    with pytest.raises(Problem, match=r"submission\.conflict"):
        await county.submit(visit(id=ID, answers={"visit.summary": "another"}))
    assert [row.submission_id for row in await county.rows(Contest)] == [old]
    assert len(await county.rows(Submission)) == 1


async def test_a_correction_of_what_an_older_hub_kept_keeps_its_records(county: County) -> None:
    old = await kept_by_an_older_hub(county)
    corrected = await county.correct(old, visit(answers={"visit.summary": "another"}))
    rows = {row.id: row.root_id for row in await county.rows(Submission)}
    assert rows == {old: old, corrected.submission_id: old}
    (record,) = await county.rows(Record)
    assert record.key == named_id(UUID(old), "visit/")
    assert record.id[14] == "5"


async def test_two_with_other_contents_that_come_at_once_leave_one(county: County) -> None:
    bodies = [visit(id=ID, reported_at=f"2026-11-23T00:5{minute}:00Z") for minute in range(4)]
    sent = await asyncio.gather(*map(county.submit, bodies), return_exceptions=True)
    assert sorted(one.code if isinstance(one, Problem) else "kept" for one in sent) == ["kept"] + 3 * [
        "submission.conflict"
    ]
    count = text("SELECT count(*) FROM submission")
    assert await county.store.read(lambda s: s.connection().execute(count).scalar_one()) == 1


def test_a_child_lies_where_its_parent_lies() -> None:
    parent = "019ab5a2-1f00-8abc-8000-000000000001"
    child = child_id(parent, NAMESPACE, "a")
    assert (child[:13], child[14]) == (parent[:13], "8")
    assert child != child_id(parent, NAMESPACE, "b")
    assert child_id(OLD, NAMESPACE, "a") == named_id(NAMESPACE, "a")
