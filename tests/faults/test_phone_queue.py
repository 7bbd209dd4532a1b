"""A phone that was off line: what it queued arrives once, in whatever order, however often the answer is lost."""

import asyncio
import itertools
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as told
from hypothesis import strategies as st
from sqlmodel import Session

from hub.clock import Clock
from hub.errors import Problem
from hub.intake.filled import Filled
from hub.model import Account, Record, Submission
from hub.store import Store
from hub.store.query.people import account_named
from tests.conftest import HandClock
from tests.faults.conftest import PLAIN, counts
from tests.faults.proxy import Proxy, listening
from tests.some_connectors.county import County
from tests.some_connectors.county import visit as form
from tests.web.conftest import OTHER_VILLAGE, VILLAGE, Site, visit

URL = "/api/v1/submissions"
QUEUE, SENT, POISONED = 500, 50, 37
PEERS = 10
"""Requests a test has under way at once."""


async def send_all(client: httpx.AsyncClient, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    """Send them a few at a time, as a phone's queue or several phones would."""
    turns = asyncio.Semaphore(PEERS)

    async def send(body: dict[str, Any]) -> httpx.Response:
        async with turns:
            return await client.post(URL, json=body)

    return list(await asyncio.gather(*map(send, bodies)))


# --- F33, F35, F36: a phone's queue -----------------------------------------------------------------------------------


@pytest.mark.fault("F33")
async def test_one_poisoned_entry_of_five_hundred_stops_no_other(site: Site, clock: Clock) -> None:
    """Phones send one by one, each with an answer of its own; on the way they are cut off and begin again."""
    ada = await site.client("ada")
    bodies = [visit(clock, answers=dict(PLAIN)) for _ in range(QUEUE)]
    del bodies[POISONED]["answers"]["visit.purpose"]
    first = await send_all(ada, bodies[:SENT])
    again = await send_all(ada, bodies)
    assert sorted({answer.status_code for answer in first}) == [201, 422]
    assert [answer.status_code for answer in again] == [
        422 if number == POISONED else 200 if number < SENT else 201 for number in range(QUEUE)
    ]
    assert [fault["path"] for fault in again[POISONED].json()["faults"]] == ["/answers/visit.purpose"]
    assert (await counts(site))["submission"] == QUEUE - 1


@pytest.mark.fault("F35")
async def test_who_was_signed_out_disabled_or_moved_off_line_loses_nothing(site: Site, clock: Clock) -> None:
    ada, body = await site.client("ada"), visit(clock)
    cookie = ada.cookies["hub_session"]
    ada.cookies.clear()
    assert ((await ada.post(URL, json=body)).json()["code"]) == "auth.required"
    ada.cookies.set("hub_session", cookie)
    await change(site, disabled_at=clock.now())
    assert ((await ada.post(URL, json=body)).json()["code"]) == "auth.required"
    await change(site, disabled_at=None, division=OTHER_VILLAGE)
    moved = await ada.post(URL, json=body)
    assert (moved.status_code, moved.json()["faults"][0]["code"]) == (422, "place_unknown")
    assert moved.json()["faults"][0]["remedy"]["zh"]
    assert (await counts(site))["submission"] == 0
    await change(site, division=VILLAGE)
    assert (await ada.post(URL, json=body)).status_code == 201


async def change(site: Site, **values: object) -> None:
    """Change ada's account as an operator would; what she is signed in with stays."""

    def write(session: Session) -> None:
        account = account_named(session, "ada")
        assert isinstance(account, Account)
        for name, value in values.items():
            setattr(account, name, value)
        session.add(account)

    await site.store.write(write)


@pytest.mark.fault("F36")
@pytest.mark.parametrize("what", ["reply", "request"])
async def test_every_first_answer_lost_ends_with_one_of_each(site: Site, port: int, clock: Clock, what: str) -> None:
    seen: set[bytes] = set()

    def losing(data: bytes) -> str:
        """Lose whatever speaks of an id for the first time."""
        name = data.partition(b'"id":"')[2][:36]
        if not name or name in seen:
            return ""
        seen.add(name)
        return what

    proxy = Proxy(losing, port=port)
    bodies = [visit(clock) for _ in range(30)]
    async with listening(proxy) as through:
        headers = {"Sec-Fetch-Site": "same-origin", "Connection": "close"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{through}", headers=headers, trust_env=False) as phone:
            phone.cookies.set("hub_session", "session-of-ada")
            statuses = [await until_answered(phone, body) for body in bodies]
    assert proxy.lost == 30
    assert statuses == [(2, 200 if what == "reply" else 201)] * 30
    assert (await counts(site))["submission"] == 30
    assert sum(map(len, site.rung)) == 30 * len(site.rung[0])


async def until_answered(phone: httpx.AsyncClient, body: dict[str, Any]) -> tuple[int, int]:
    """Send until there is an answer; return how many times that took, and the answer."""
    for times in itertools.count(1):
        try:
            answer = await phone.post(URL, json=body)
        except httpx.TransportError:
            continue
        return times, answer.status_code
    raise AssertionError


# --- F38: the wrong order ---------------------------------------------------------------------------------------------


ORDERS = st.permutations(range(6))


@pytest.mark.fault("F38")
@told(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=ORDERS)
async def test_in_whatever_order_creations_and_corrections_arrive_all_are_there(
    store: Store, clock: HandClock, order: list[int]
) -> None:
    """Two submissions with two corrections each; what came too early is told so and sent again."""
    county = County(store, clock)
    if not await county.rows(Account):
        await county.settle()
    firsts = [form(answers={"visit.summary": str(n)}) for n in range(2)]
    roots = [Filled.model_validate(body).submission_id("ada") for body in firsts]
    later = [form(answers={"visit.summary": f"{n} again"}) for n in range(4)]
    before = len(await county.rows(Submission))
    left = [(number, (firsts + later)[number]) for number in order]
    told_so: list[tuple[bool, int]] = []
    while left:
        number, body = left.pop(0)
        try:
            await (county.submit(body) if number < 2 else county.correct(roots[number % 2], body))
        except Problem as problem:
            told_so.append((number >= 2, problem.status))
            left.append((number, body))
    first_of = [order.index(number) for number in range(2)]
    assert set(told_so) <= {(True, 404)}
    assert len(told_so) >= sum(order.index(number) < first_of[number % 2] for number in range(2, 6))
    rows = await county.rows(Submission)
    assert len(rows) == before + 6
    for root in roots:
        assert sorted(row.revision for row in rows if row.root_id == root) == [1, 2, 3]
        newest = max((row for row in rows if row.root_id == root), key=lambda row: row.revision)
        assert len(await county.rows(Record, submission_id=newest.id)) == 1
