"""Accepting on both databases: exact rows, one of each however often sent, nothing kept of what is refused."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import orjson
import pytest
from sqlmodel import Session

from hub.errors import Problem
from hub.intake.accept import Accepted, accept
from hub.mapping import digest
from hub.model import (
    Alias,
    Contest,
    Delivery,
    Discrepancy,
    Issue,
    IssueStep,
    JournalEntry,
    Record,
    Skip,
    Submission,
)  # fmt: skip
from hub.store import Store, Taken
from tests.builders import pull_row
from tests.conftest import HandClock
from tests.some_connectors.county import BIN, DIRT, HERS, PHOTO, QUARREL, RIVER, TOWN, VILLAGE, Body, County, visit

ID = "0198c1de-7c1e-7a01-9d3f-5f1d3a1f0c11"


@pytest.fixture
async def county(store: Store, clock: HandClock) -> County:
    return await County(store, clock).settle()


async def refused(county: County, body: Body, author: str = "ada") -> Problem:
    before = await county.counts()
    with pytest.raises(Problem) as caught:
        await county.submit(body, getattr(county, author))
    assert {**await county.counts(), "contest": 0} == {**before, "contest": 0}
    return caught.value


def places_of(problem: Problem) -> list[tuple[str, str]]:
    return [(fault.path, fault.code) for fault in problem.faults]


async def doorstep(county: County) -> Accepted:
    """One submit: a correction, a refusal, a bin score and three findings."""
    seen = {
        "/household.head_name": {"system": "doors", "as_of": "2026-11-23T01:00:00Z"},
        "/household.phone": {"system": "doors", "as_of": "2026-11-23T01:00:00Z", "refused": True},
        "/household.member_count": {"system": "doors", "as_of": "2026-11-23T01:00:00Z"},
    }
    answers = {
        "household.head_name": "陈改",
        "bin": BIN,
        "findings": [QUARREL, RIVER, DIRT | {"finding.photos": [PHOTO]}],
    }
    return await county.submit(visit(id=ID, answers=answers, seen=seen))


async def test_a_submission_is_kept_as_it_came(county: County, clock: HandClock) -> None:
    accepted = await doorstep(county)
    assert accepted.created
    (row,) = await county.rows(Submission)
    assert (row.id, row.root_id, row.client_id, row.account_id) == (accepted.submission_id, row.id, ID, "ada")
    assert (row.revision, row.place_id, row.division, row.clock_suspect) == (1, "home", VILLAGE, False)
    assert (row.occurred_at.isoformat(), row.received_at) == ("2026-11-23T00:50:00+00:00", clock.now())
    assert len(row.number) == 8
    assert not set("IOL") & set(row.number)
    assert "id" not in orjson.loads(row.body)
    (entry,) = await county.rows(JournalEntry)
    assert (entry.action, entry.subject, entry.account_id) == ("submission.accepted", row.id, "ada")


async def test_its_records_carry_who_where_and_when(county: County) -> None:
    await doorstep(county)
    records = {record.key: orjson.loads(record.content) for record in await county.rows(Record)}
    assert sorted(content["record"] for content in records.values()) == [
        "bin_score/v1", "finding/v1", "finding/v1", "finding/v1", "visit/v1",
    ]  # fmt: skip
    told = next(content for content in records.values() if content["record"] == "visit/v1")
    assert told["place"] == {
        "id": "home", "kind": "household", "name": "home", "division": VILLAGE,
        "aliases": {"bins": "B-1", "doors": "D-1", "files": "F-1"},
    }  # fmt: skip
    assert told["by"] == {
        "id": "ada",
        "name": "Ada",
        "staff_number": "NO-ada",
        "phone": "19900000001",
        "division": VILLAGE,
    }
    assert (told["occurred_at"], told["received_at"]) == ("2026-11-23T00:50:00+00:00", "2026-11-23T01:00:00+00:00")
    assert told["location"] == {"lon": 120.24, "lat": 29.28, "crs": "wgs84", "accuracy_m": 12}


async def test_a_place_taken_over_into_a_record_brings_nothing_known_along(county: County) -> None:
    times = {"patrol.started_at": "2026-11-23T08:30:00+08:00", "patrol.ended_at": "2026-11-23T08:50:00+08:00"}
    answers = dict.fromkeys(visit()["answers"]) | times | {"patrol.result": "problem", "findings": [DIRT]}
    await county.submit(visit(form="patrol", place="R-1", answers=answers), county.bo)
    (finding,) = await county.rows(Record, record="finding/v1")
    assert orjson.loads(finding.content)["finding.segment"] == {
        "id": "river", "kind": "river_segment", "name": "river", "division": TOWN, "aliases": {"rivers": "R-1"},
    }  # fmt: skip


async def test_it_owes_exactly_these_deliveries(county: County, clock: HandClock) -> None:
    await doorstep(county)
    keys = {record.key for record in await county.rows(Record)}
    rows = await county.rows(Delivery)
    assert {f"{d.system}/{d.flow}": d.payload for d in rows} == {
        "doors/visit": b'{"door":"D-1","why":"A"}',
        "files/visit": b'{"file":"F-1","why":"care"}',
        "bins/bin_score": b'{"bin":"B-1","sorting":"good"}',
        "bins/finding": f'{{"photos":["{PHOTO}"],"what":"垃圾"}}'.encode(),
        "rivers/finding": '{"river":"R-1","what":"污水"}'.encode(),
    }
    for delivery in rows:
        assert (delivery.state, delivery.due_at, delivery.attempts, delivery.intent) == (
            "waiting",
            clock.now(),
            0,
            "create",
        )
        assert delivery.digest == digest(delivery.payload)
        assert delivery.key == f"{delivery.record_key}:{delivery.system}/{delivery.flow}:1"
        assert delivery.record_key in keys
    assert county.rung == [{"doors", "files", "bins", "rivers"}]


async def test_skips_say_why_and_findings_open_issues(county: County, clock: HandClock) -> None:
    await doorstep(county)
    skips = await county.rows(Skip)
    assert sorted((s.system, s.flow, s.code, s.reason_zh) for s in skips) == [
        ("bins", "finding", "condition", "不是环境问题"), ("bins", "finding", "condition", "不是环境问题"),
        ("files", "income", "condition", "不是政策宣讲"),
        ("rivers", "finding", "condition", "不是河道问题"), ("rivers", "finding", "condition", "不是河道问题"),
    ]  # fmt: skip
    issues = await county.rows(Issue)
    assert {issue.id for issue in issues} == {record.key for record in await county.rows(Record, record="finding/v1")}
    assert {(issue.state, issue.reporter_id, issue.assignee_id) for issue in issues} == {("reported", "ada", None)}
    steps = await county.rows(IssueStep)
    assert sorted(step.issue_id for step in steps) == sorted(issue.id for issue in issues)
    assert {(step.old, step.new, step.account_id, step.at) for step in steps} == {("", "reported", "ada", clock.now())}


async def test_a_correction_and_a_refusal_are_kept_for_the_source(county: County) -> None:
    await doorstep(county)
    found = {d.element: (d.system, d.theirs, d.ours, d.place_id) for d in await county.rows(Discrepancy)}
    assert found == {
        "household.head_name": ("doors", "陈大山", "陈改", "home"),
        "household.phone": ("doors", "19900000101", None, "home"),
    }


async def test_confirming_what_is_known_is_no_discrepancy(county: County) -> None:
    seen = {"/household.head_name": {"system": "doors", "as_of": "2026-11-23T01:00:00Z"}}
    await county.submit(visit(seen=seen))
    assert await county.rows(Discrepancy) == []
    seen["/household.head_name"]["system"] = "files"
    await county.submit(visit(seen=seen))
    (found,) = await county.rows(Discrepancy)
    assert (found.system, found.theirs, found.ours) == ("files", "陈小山", "陈大山")


async def test_a_discrepancy_needs_a_place(county: County) -> None:
    body = visit(form="check_in", place=None, answers=dict.fromkeys(visit()["answers"]) | {"check_in.purpose": "duty"})
    await county.submit(body | {"seen": {"/check_in.purpose": {"system": "doors", "as_of": "2026-11-23T01:00:00Z"}}})
    assert await county.rows(Discrepancy) == []
    (row,) = await county.rows(Submission)
    assert (row.place_id, row.division) == (None, VILLAGE)
    (record,) = await county.rows(Record)
    assert orjson.loads(record.content)["place"] is None


@pytest.mark.fault("F27")
async def test_fifty_at_once_are_one(county: County) -> None:
    """F27."""
    body = visit(id=ID, answers={"bin": BIN, "findings": [DIRT]})
    answers = await asyncio.gather(*(county.submit(body) for _ in range(50)))
    assert len({answer.submission_id for answer in answers}) == 1
    assert sum(answer.created for answer in answers) == 1
    counts = await county.counts()
    assert (counts["submission"], counts["record"], counts["delivery"], counts["contest"]) == (1, 3, 4, 0)
    assert len(county.rung) == 1


@pytest.mark.fault("F30")
async def test_the_same_again_is_the_same_answer_whatever_its_spelling(county: County, clock: HandClock) -> None:
    body = visit(id=ID)
    first = await county.submit(body)
    before = await county.counts()
    clock.tick(days=400)
    spelt = orjson.dumps(dict(reversed(body.items())), option=orjson.OPT_INDENT_2).replace(
        b'"version": 1', b'"version": 1.0'
    )
    for again in (orjson.dumps(body), spelt):
        answer = await accept(county.intake, county.ada, again)
        assert (answer.submission_id, answer.created) == (first.submission_id, False)
    assert await county.counts() == before


@pytest.mark.fault("F28")
async def test_other_content_is_a_conflict_kept_once(county: County) -> None:
    """F28."""
    first = await county.submit(visit(id=ID))
    before = await county.counts()
    other = visit(id=ID, answers={"visit.purpose": "safety"})
    for _ in range(3):
        problem = await refused(county, other)
        assert (problem.code, problem.status, places_of(problem)) == ("submission.conflict", 409, [("/id", "id_taken")])
    results = await asyncio.gather(*(county.submit(other) for _ in range(20)), return_exceptions=True)
    assert {type(result) for result in results} == {Problem}
    assert await county.counts() == before | {"contest": 1}
    (kept,) = await county.rows(Contest)
    assert kept.submission_id == first.submission_id
    assert orjson.loads(kept.body)["answers"]["visit.purpose"] == "safety"
    assert len(county.rung) == 1


@pytest.mark.fault("F28")
async def test_two_contents_racing_for_one_id(county: County) -> None:
    bodies = [visit(id=ID, answers={"visit.summary": str(n % 2)}) for n in range(20)]
    results = await asyncio.gather(*(county.submit(body) for body in bodies), return_exceptions=True)
    conflicts = [r for r in results if isinstance(r, Problem) and r.code == "submission.conflict"]
    assert len(conflicts) == 10
    counts = await county.counts()
    assert (counts["submission"], counts["contest"]) == (1, 1)


@pytest.mark.fault("F29")
async def test_equal_ids_of_two_people_never_meet(county: County) -> None:
    """F29."""
    hers = await county.submit(visit(id=ID), county.eve)
    mine = await county.submit(visit(id=ID, answers={"visit.purpose": "safety"}))
    assert mine.created
    assert hers.submission_id != mine.submission_id
    assert (await county.counts())["contest"] == 0


FAULTY = [
    ({"place": "D-404"}, [("/place", "place_unknown")]),
    ({"place": "D-3"}, [("/place", "place_unknown")]),
    ({"place": None}, [("/place", "place_needed")]),
    ({"place": "R-1"}, [("/place", "place_kind")]),
    ({"form": "nothing"}, [("/form", "form_unknown")]),
    ({"version": 99}, [("/form", "form_unknown")]),
    ({"location": {"lon": 1}}, [("/location", "location_incomplete")]),
    ({"location": {"lon": 500, "lat": 1, "crs": "wgs84"}}, [("/location/lon", "invalid")]),
    ({"occurred_at": "2026-11-23T08:50:00"}, [("/occurred_at", "needs_zone")]),
    ({"occurred_at": "9999-12-31T23:59:59-12:00"}, [("/occurred_at", "format")]),
    ({"reported_at": "0001-01-01T00:00:00+14:00"}, [("/reported_at", "format")]),
    ({"more": 1}, [("/more", "unknown_field")]),
    ({"id": "seven"}, [("/id", "invalid")]),
    ({"seen": {"/a/b": {"system": "x"}}}, [("/seen/~1a~1b/as_of", "required")]),
    ({"answers": {"visit.purpose": None}}, [("/answers/visit.purpose", "required")]),
    ({"answers": {"findings": [RIVER | {"finding.segment": "R-9"}]}},
     [("/answers/findings/0/finding.segment", "place_unknown")]),
    ({"answers": {"visit.photos": ["c" * 64]}}, [("/answers/visit.photos", "photo_missing")]),
    ({"answers": {"findings": [DIRT | {"finding.photos": [PHOTO, HERS]}]}},
     [("/answers/findings/0/finding.photos", "photo_missing")]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "faults"), FAULTY, ids=[str(changes)[:60] for changes, _ in FAULTY])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_refusal_names_the_place_and_keeps_nothing(
    county: County, changes: Body, faults: list[tuple[str, str]]
) -> None:
    problem = await refused(county, visit(**changes))
    assert (problem.code, problem.status, places_of(problem)) == ("submission.invalid", 422, faults)


async def test_a_neighbours_prefix_is_not_mine(county: County) -> None:
    """The sibling village's code shares eleven digits; its Place does not exist for me, and mine not for it."""
    assert places_of(await refused(county, visit(place="far"))) == [("/place", "place_unknown")]
    assert places_of(await refused(county, visit(place="home"), "bo")) == [("/place", "place_unknown")]
    assert (await county.submit(visit(place="far"), county.bo)).created


@pytest.mark.parametrize("code", ["home", "token-home", "FO1:token-home", "D-1", "B-1", "F-1", "S-1"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_any_code_on_the_door_is_the_same_place(county: County, code: str) -> None:
    await county.submit(visit(place=code))
    assert [row.place_id for row in await county.rows(Submission)] == ["home"]
    assert (await county.delivery("doors", "visit")).payload == b'{"door":"D-1","why":"A"}'


async def test_a_sticker_code_is_not_what_a_system_hears(county: County) -> None:
    accepted = await county.submit(visit(place="S-2"))
    assert await county.deliveries(accepted) == {}
    assert (await county.skips(accepted))["vis doors/visit"] == "condition"
    assert county.rung == []


@pytest.mark.fault("F32")
@pytest.mark.parametrize(("reported", "suspect"), [
    ("1970-01-01T00:00:00Z", True), ("2036-11-23T01:00:00Z", True), ("2026-11-22T00:59:59Z", True),
    ("2026-11-22T01:00:00Z", False), ("2026-11-23T09:00:00+08:00", False), ("2026-11-24T01:00:01Z", True),
])  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_wrong_clock_is_kept_as_claimed_and_marked(
    county: County, clock: HandClock, reported: str, suspect: bool
) -> None:
    """F32, D13."""
    await county.submit(visit(reported_at=reported, occurred_at=reported))
    (row,) = await county.rows(Submission)
    assert (row.clock_suspect, row.received_at) == (suspect, clock.now())


@pytest.mark.parametrize(("sent", "kept"), [
    (None, {"missing": "not_asked"}), ({"missing": "denied"}, {"missing": "denied"}),
])  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_missing_location_says_why(county: County, sent: Body | None, kept: Body) -> None:
    await county.submit(visit(location=sent))
    (record,) = await county.rows(Record)
    assert orjson.loads(record.content)["location"] == kept


@pytest.mark.fault("F68")
async def test_what_cannot_be_mapped_is_parked_without_an_attempt(county: County, clock: HandClock) -> None:
    """F68."""
    accepted = await county.submit(visit(answers={"visit.purpose": "policy"}))
    parked = (await county.deliveries(accepted))["files/income"]
    assert (parked.state, parked.due_at, parked.attempts, parked.settled_at) == ("parked", None, 0, clock.now())
    assert "place.known.household.income_yuan" in parked.reason
    assert county.rung == [{"doors", "files"}]


async def test_a_flow_may_ask_for_what_is_known(county: County, clock: HandClock) -> None:
    said = [("files", 9000, 1), ("doors", 1000, 0)]
    rows = [
        pull_row(s, {"household.income_yuan": v}, clock.now() - timedelta(days=1 - n), place_id="home")
        for s, v, n in said
    ]  # fmt: skip
    await county.store.write(lambda session: session.add_all(rows))
    accepted = await county.submit(visit(answers={"visit.purpose": "policy"}))
    assert (await county.deliveries(accepted))["files/income"].payload == b'{"income":9000}'
    assert all(b"income_yuan" not in record.content for record in await county.rows(Record))


async def test_ordered_flows_queue_behind(county: County) -> None:
    """D9: the same bin one after the other, also within one group of the writer; another System does not wait."""
    bodies = [visit(answers={"bin": BIN, "visit.summary": str(n)}) for n in range(5)]
    accepted = await asyncio.gather(*(county.submit(body) for body in bodies[:4]))
    accepted.append(await county.submit(bodies[4]))
    rows = [(await county.deliveries(one))["bins/bin_score"] for one in accepted]
    due = [row for row in rows if row.due_at is not None]
    behind = {row.after_id for row in rows}
    assert len(due) >= 1
    if county.store.writing.dialect.name == "sqlite":
        assert len(due) == 1
        assert len(behind) == 5
    assert rows[4].after_id is not None
    assert [(await county.deliveries(one))["doors/visit"].after_id for one in accepted] == [None] * 5
    await county.submit(visit(place="S-2", answers={"bin": BIN}))


async def test_nothing_is_torn_when_the_write_fails_half_way(county: County, clock: HandClock) -> None:
    """A row of the fan-out that the database refuses takes everything of its Submission along, and nothing else's."""
    body = visit(id=ID, answers={"findings": [DIRT]})
    root = UUID(int=0)
    accepted = await county.submit(body)
    issue = (await county.rows(Issue))[0].id
    await county.store.write(lambda s: [s.connection().execute(t.delete()) for t in (
        Delivery.__table__, Skip.__table__, IssueStep.__table__, Issue.__table__, Record.__table__,
        JournalEntry.__table__, Submission.__table__)] and None)  # fmt: skip

    def other(session: Session) -> None:
        blocker = Submission(id=str(root), account_id="eve", client_id="x", root_id=str(root), number="N", form="visit",
                             form_version=1, division=VILLAGE, body=b"", digest="", occurred_at=clock.now(),
                             reported_at=clock.now(), received_at=clock.now())  # fmt: skip
        session.add(blocker)
        session.flush()
        session.add(Issue(id=issue, record="finding/v1", submission_id=str(root), division=VILLAGE, state="reported",
                          reporter_id="eve", opened_at=clock.now(), changed_at=clock.now()))  # fmt: skip

    await county.store.write(other)
    before = await county.counts()
    good = visit()
    results = await asyncio.gather(county.submit(body), county.submit(good), return_exceptions=True)
    assert isinstance(results[0], Taken)
    assert not isinstance(results[1], BaseException)
    after = await county.counts()
    assert after == before | {
        "submission": before["submission"] + 1, "record": before["record"] + 1, "delivery": before["delivery"] + 2,
        "skip": before["skip"] + 1, "journal": before["journal"] + 1,
    }  # fmt: skip
    assert accepted.submission_id not in {row.id for row in await county.rows(Submission)}


async def freeze(county: County) -> None:
    """Make the writing connection unable to write, as a disk mounted read-only is."""
    await county.store.write(lambda session: session.connection().exec_driver_sql("PRAGMA query_only=ON").close())


def thaw(county: County) -> None:
    """Make it able again; since its failure nobody holds it."""
    connection = county.store.writing.raw_connection()
    connection.cursor().execute("PRAGMA query_only=OFF")
    connection.close()


@pytest.mark.fault("F6")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_database_that_cannot_write_keeps_nothing_and_says_so(county: County) -> None:
    await freeze(county)
    problem = await refused(county, visit(id=ID))
    assert (problem.code, problem.status, problem.retry_after) == ("store.full", 507, 60)
    assert county.rung == []
    thaw(county)
    assert (await county.submit(visit(id=ID))).created
    await freeze(county)
    assert not (await county.submit(visit(id=ID))).created


async def test_ambiguous_codes_open_nothing(county: County, clock: HandClock) -> None:
    code = Alias(issuer="bins", code="D-1", place_id="bare", is_key=True, told_by="bins", since=clock.now())
    await county.store.write(lambda session: session.add(code))
    assert places_of(await refused(county, visit())) == [("/place", "place_ambiguous")]
    assert (await county.submit(visit(place="F-1", id=str(uuid4())))).created
