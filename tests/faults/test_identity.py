"""The same id, the same door, another spelling, another clock: one submission each, shown to its author alone."""

import asyncio
import copy
import itertools
import unicodedata
from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as told
from hypothesis import strategies as st

from hub.clock import Clock
from hub.errors import Problem
from hub.intake.accept import accept
from hub.model import Contest, Submission
from hub.store import Store
from tests.conftest import HandClock
from tests.faults.conftest import PLAIN, counts
from tests.some_connectors.county import BIN, DIRT, County
from tests.some_connectors.county import visit as form
from tests.web.conftest import Site, visit

URL = "/api/v1/submissions"


# --- F27, F28, F29: the same id ---------------------------------------------------------------------------------------


@pytest.mark.fault("F27")
async def test_fifty_equal_posts_at_once_get_one_receipt(site: Site, clock: Clock) -> None:
    ada, body = await site.client("ada"), visit(clock)
    answers = await asyncio.gather(*(ada.post(URL, json=body) for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [201]
    assert len({answer.content for answer in answers}) == 1
    found = await counts(site)
    assert (found["submission"], found["contest"], len(site.rung)) == (1, 0, 1)


PATHS = [
    ("occurred_at",), ("reported_at",), ("place",), ("location",), ("location", "missing"), ("answers",),
    ("answers", "bin", "bin.sorting"), ("answers", "visit.purpose"), ("answers", "findings", 0, "finding.severity"),
    ("answers", "findings", 0, "id"), ("answers", "household.member_count"), ("seen",), ("version",), ("form",),
]  # fmt: skip
OTHER = (
    st.sampled_from(["2026-11-22T10:00:00+08:00", "poor", "care", "far", 0, -1, 10**9, None, True, [], {}, "x"])
    | st.text()
)


@pytest.mark.fault("F28")
@told(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(PATHS), value=OTHER, drop=st.booleans())
async def test_whatever_else_comes_under_a_taken_id_changes_nothing(
    kept: tuple[County, dict[str, Any]], path: tuple[str | int, ...], value: object, drop: bool
) -> None:
    county, body = kept
    other = copy.deepcopy(body)
    inner: Any = other
    for step in path[:-1]:
        inner = inner[step]
    if drop:
        inner.pop(path[-1], None)
    else:
        inner[path[-1]] = value
    before, rung = await county.counts() | {"contest": 0}, list(county.rung)
    if orjson.dumps(other) == orjson.dumps(body):  # to Python true is 1
        assert not (await county.submit(other)).created
    else:
        with pytest.raises(Problem) as caught:
            await county.submit(other)
        assert caught.value.status in {409, 422}
    assert await county.counts() | {"contest": 0} == before
    assert county.rung == rung
    (row,) = await county.rows(Submission)
    assert orjson.loads(row.body)["answers"] == body["answers"]


@pytest.fixture
async def kept(store: Store, clock: HandClock) -> tuple[County, dict[str, Any]]:
    """A county with one submission, and its body."""
    county = await County(store, clock).settle()
    body = form(answers={"bin": BIN, "findings": [DIRT]})
    await county.submit(body)
    return county, body


@pytest.mark.fault("F28")
async def test_each_other_content_is_kept_for_review_once(kept: tuple[County, dict[str, Any]]) -> None:
    county, body = kept
    for purpose, _ in itertools.product(("safety", "mediation", "follow_up"), range(2)):
        with pytest.raises(Problem) as caught:
            await county.submit(body | {"answers": body["answers"] | {"visit.purpose": purpose}})
        assert caught.value.status == 409
    assert len(await county.rows(Contest)) == 3


@pytest.mark.fault("F29")
@pytest.mark.parametrize(("login", "place"), [("cy", "HV-1"), ("bo", "HV-2")])
async def test_an_id_belongs_to_its_author_alone(site: Site, clock: Clock, login: str, place: str) -> None:
    """A colleague of the same village and one of another use the very same id."""
    ada, other, body = await site.client("ada"), await site.client(login), visit(clock, answers=PLAIN)
    mine = (await ada.post(URL, json=body)).json()
    answer = await other.post(URL, json=body | {"place": place, "answers": PLAIN | {"visit.purpose": "safety"}})
    assert (answer.status_code, answer.json()["client_id"]) == (201, mine["client_id"])
    assert answer.json()["id"] != mine["id"]
    assert answer.json()["number"] != mine["number"]
    for foreign in (f"{URL}/{mine['id']}", f"{URL}/{uuid4()}"):
        assert (await other.get(foreign)).status_code == 404
        corrected = await other.post(f"{foreign}/revisions", json=visit(clock, place=place, answers=PLAIN))
        assert (corrected.status_code, corrected.json()["code"]) == (404, "submission.unknown")
    assert [one["id"] for one in (await other.get(URL)).json()] == [answer.json()["id"]]
    found = await counts(site)
    assert (found["submission"], found["contest"]) == (2, 0)


# --- F37: two devices at one door -----------------------------------------------------------------------


@pytest.mark.fault("F37")
async def test_two_devices_at_one_door_are_both_kept(site: Site, clock: Clock) -> None:
    ada, cy = await site.client("ada"), await site.client("cy")
    body = visit(clock)
    other = body | {"id": str(uuid4()), "answers": body["answers"] | {"household.member_count": 6}}
    answers = [await ada.post(URL, json=body), await ada.post(URL, json=other), await cy.post(URL, json=other)]
    assert [answer.status_code for answer in answers] == [201] * 3
    views = [answer.json() for answer in answers]
    assert len({view["id"] for view in views}) == len({view["number"] for view in views}) == 3
    assert [view["answers"]["household.member_count"] for view in views] == [5, 6, 6]
    assert [len((await client.get(URL)).json()) for client in (ada, cy)] == [2, 1]


# --- F30, F32: what is the same, and when it was ----------------------------------------------------------------------


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@pytest.mark.fault("F30")
@told(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(summary=TEXTS, indent=st.booleans(), form_of=st.sampled_from(["NFC", "NFD"]), turned=st.booleans())
async def test_another_spelling_finds_the_same_submission(
    kept: tuple[County, dict[str, Any]], summary: str, indent: bool, form_of: str, turned: bool
) -> None:
    county, _ = kept
    body = form(answers={"visit.summary": summary})
    first = await county.submit(body)
    spelt = copy.deepcopy(body)
    spelt["answers"]["visit.summary"] = unicodedata.normalize(form_of, summary)
    spelt["version"] = 1.0
    raw = orjson.dumps(dict(reversed(spelt.items())) if turned else spelt, option=orjson.OPT_INDENT_2 if indent else 0)
    again = await accept(county.intake, county.ada, raw)
    assert (again.submission_id, again.created) == (first.submission_id, False)


@pytest.mark.fault("F32")
@pytest.mark.parametrize("device", ["1970-01-01T00:00:00Z", "2036-11-23T01:00:00Z", "2026-11-23T15:00:00+14:00"])
async def test_a_wrong_device_clock_is_accepted_at_the_hubs_own_time(site: Site, clock: Clock, device: str) -> None:
    answer = await (await site.client("ada")).post(URL, json=visit(clock, reported_at=device, occurred_at=device))
    assert answer.status_code == 201, answer.text
    (row,) = await County(site.store, clock).rows(Submission)
    assert (row.received_at, row.clock_suspect) == (clock.now(), "+14:00" not in device)
    assert row.reported_at.isoformat() == device.replace("Z", "+00:00").replace("15:00:00+14:00", "01:00:00+00:00")
