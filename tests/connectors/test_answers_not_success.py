"""A complete answer that is not the declared success is none, whatever it looks like (D6), for every HTTP connector."""

import re
from collections import Counter

import pytest

from hub.model.delivery import State
from hub.outbox.upkeep.resume import resume
from hub.sdk import Misconfigured, Refused
from hub.sdk.errors import DeliveryFailure, Unanswered
from tests.builders import World
from tests.connectors.answering import KINDS, NOT_SUCCESS, facing, owing, page, spoilt, success
from tests.connectors.sink import FORGET, KEEP, RESET, Sink, answer, answer_json
from tests.connectors.system import outgoing


def test_there_are_enough_of_them() -> None:
    assert len(NOT_SUCCESS) + len(spoilt(b"{}")) >= 30


@pytest.mark.parametrize("kind", KINDS)
async def test_the_declared_success_is_one(kind: str) -> None:
    async with Sink() as sink, facing(sink, kind) as connector:
        for content_type in ("application/json", "text/html; charset=gbk", "application/octet-stream"):
            sink.say(page(content_type, success(kind)))
            assert (await connector.push(outgoing("visit", {"n": 1}))).remote_id == "S-1"


@pytest.mark.fault("F50")
@pytest.mark.parametrize("kind", KINDS)
async def test_http_200_with_anything_else_is_no_success(kind: str) -> None:
    bodies = {**NOT_SUCCESS, **{name: ("application/json", body) for name, body in spoilt(success(kind)).items()}}
    verdicts = {}
    async with Sink() as sink, facing(sink, kind) as connector:
        for name, (content_type, body) in bodies.items():
            sink.say(page(content_type, body))
            with pytest.raises(DeliveryFailure) as failure:
                await connector.push(outgoing("visit", {"n": 1}))
            verdicts[name] = failure.type
            assert failure.value.reason, name
        assert len(sink.requests) >= len(bodies)
    unread = {name for name, verdict in verdicts.items() if verdict is Unanswered}
    assert set(spoilt(b"{}")) <= unread
    assert {"a SOAP 1.1 fault", "a login page", "nothing at all", "a yes without a number"} <= unread | {
        name for name, verdict in verdicts.items() if verdict is Refused
    }
    assert set(verdicts.values()) <= {Unanswered, Refused, Misconfigured}


@pytest.mark.fault("F60")
@pytest.mark.parametrize("status", [204, 205, 201, 999, 600])
@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_without_a_body_or_with_no_status_at_all_is_no_success(kind: str, status: int) -> None:
    async with Sink() as sink, facing(sink, kind) as connector:
        sink.say(answer(status, b""))
        with pytest.raises(Unanswered):
            await connector.push(outgoing("visit", {"n": 1}))


# --- charsets ---------------------------------------------------------------------------------------------------------


@pytest.mark.fault("F57")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("written", "declared", "good"),
    [
        ("utf-8", "application/json; charset=gbk", True),
        ("utf-8-sig", "application/json", True),
        ("gb18030", "application/json", False),
        ("gb18030", "application/json; charset=utf-8", False),
        ("gb18030", "application/json; charset=gbk", False),
        ("utf-16", "application/json; charset=utf-16", False),
    ],
)
async def test_the_connectors_charset_decides_and_what_it_cannot_read_is_no_success(
    kind: str, written: str, declared: str, good: bool
) -> None:
    async with Sink() as sink, facing(sink, kind) as connector:
        sink.say(page(declared, success(kind).decode().encode(written)))
        if good:
            assert (await connector.push(outgoing("visit", {"n": 1}))).remote_id == "S-1"
        else:
            with pytest.raises(Unanswered, match=re.escape("not JSON: ")) as failure:
                await connector.push(outgoing("visit", {"n": 1}))
            assert written == "utf-16" or r"\xb3ɹ\xa6" in failure.value.reason


# --- through the outbox -----------------------------------------------------------------------------------------------


@pytest.mark.fault("F46")
@pytest.mark.parametrize("status", [400, 404, 409, 413, 422])
async def test_a_refusal_is_parked_with_the_answer_and_not_tried_again(world: World, status: int) -> None:
    """Anything on the way may say so after it was stored, so it is asked about before it is believed."""
    (one,) = await world.owe()
    async with owing(world, "garbage_scoring", answer(status, '{"msg":"户号不存在"}'.encode())) as sink:
        await world.drain()
        assert (await world.get(one)).state == State.UNKNOWN
        await world.drain(seconds=2)
        await world.drain(days=30)
        assert [sink.seen(method) for method in (b"POST /score", b"GET /score?")] == [1, 1]
    row = await world.get(one)
    assert (row.state, row.attempts, row.repeat) == (State.PARKED, 1, False)
    assert row.reason == f'[{status}] HTTP {status} {{"msg":"户号不存在"}}'


@pytest.mark.fault("F47")
@pytest.mark.parametrize("status", [401, 403])
async def test_credentials_that_expire_half_way_pause_the_system_and_lose_nothing(world: World, status: int) -> None:
    ids = await world.owe(40)
    async with owing(world, "garbage_scoring") as sink:
        for _ in range(20):
            sink.say(page("application/json", success("garbage_scoring")))
        sink.say(answer(status, b"expired"))
        await world.drain()
        states = Counter((await world.states()).values())
        assert states == {State.DELIVERED: 20, State.UNKNOWN: 1, State.WAITING: 19}
        assert sum([(await world.get(one)).attempts for one in ids]) == 21
        await world.drain(days=3)
        assert len(sink.requests) == 21
        sink.say(page("application/json", success("garbage_scoring")))
        await world.store.write(lambda s: resume(s, "north", world.deed("a new password")))
        await world.drain()
        assert set((await world.states()).values()) == {State.DELIVERED}
        assert (sink.seen(b"POST /score"), sink.seen(b"GET /score?")) == (41, 1)


@pytest.mark.fault("F47")
async def test_what_the_gateway_itself_turns_away_never_reached_the_system(world: World) -> None:
    """Its own 401 has a body of its own: a declared no, which spends nothing and is not asked about."""
    (one,) = await world.owe()
    said = answer_json({"message": "accessKey 不存在"}, 401)
    async with owing(world, "garbage_scoring", said) as sink:
        await world.drain()
        assert ((await world.get(one)).state, (await world.get(one)).attempts) == (State.WAITING, 0)
        sink.say(page("application/json", success("garbage_scoring")))
        await world.store.write(lambda s: resume(s, "north", world.deed("a new key")))
        await world.drain()
        assert (await world.get(one)).state == State.DELIVERED
        assert len(sink.requests) == 2


RETRY_AFTER = {
    "-1": 1, "0": 1, "1": 1, "120": 120, "1000000000": 86_400, "9" * 400: 86_400, "": 1, "soon": 1, "1.5": 1, "0x10": 1,
    "Mon, 23 Nov 2026 01:10:00 GMT": 600, "Mon, 23 Nov 2020 01:10:00 GMT": 1, "Fri, 31 Dec 2100 23:59:59 GMT": 86_400,
    "Monday, 23-Nov-26 01:10:00 GMT": 600, "Mon, 99 Xyz 2026": 1, "Mon, 23 Nov 2026 01:10:00": 1, "²": 1,
}  # fmt: skip
"""What a System may say at 01:00 UTC on 23 November 2026, and the seconds it is then left alone at least."""


@pytest.mark.fault("F48")
@pytest.mark.parametrize("status", [429, 503])
async def test_when_to_come_back_is_honoured_within_reason(world: World, status: int) -> None:
    ids = await world.owe(len(RETRY_AFTER))
    async with owing(world, "garbage_scoring", in_flight=len(ids)) as sink:
        for one, asked in zip(ids, RETRY_AFTER, strict=True):
            lines = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nRetry-After: {asked}\r\n\r\n"
            sink.on((await world.get(one)).key.encode(), lines.encode())
        await world.drain()
        assert len(sink.requests) == len(ids)
    for one, (asked, least_s) in zip(ids, RETRY_AFTER.items(), strict=True):
        row = await world.get(one)
        wait_s = (row.due_at - world.clock.now()).total_seconds()
        assert (row.state, row.repeat, row.attempts) == (State.UNKNOWN, True, 1)
        assert least_s <= wait_s <= least_s * 1.5, asked


@pytest.mark.fault("F49")
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 410])
async def test_an_address_that_moved_or_went_pauses_and_nobody_follows_it(world: World, status: int) -> None:
    ids = await world.owe(2)
    async with Sink() as canary, owing(world, "garbage_scoring") as sink:
        canary.say(page("application/json", success("garbage_scoring")))
        sink.say(answer(status, b"", f"Location: {canary.url}\r\n"))
        await world.drain()
        await world.drain(days=3)
        assert (canary.connections, len(sink.requests)) == (0, 1)
    rows = [await world.get(one) for one in ids]
    assert [(row.state, row.attempts) for row in rows] == [(State.UNKNOWN, 1), (State.WAITING, 0)]
    assert str(status) in (await world.health()).paused_reason


@pytest.mark.fault("F49")
async def test_a_redirect_to_itself_is_asked_once(world: World) -> None:
    await world.owe()
    async with owing(world, "garbage_scoring") as sink:
        sink.say(answer(307, b"", f"Location: {sink.url}score\r\n"))
        await world.drain()
        assert (len(sink.requests), sink.connections) == (1, 1)


@pytest.mark.fault("F51")
async def test_of_ten_only_the_three_that_failed_are_sent_again(world: World) -> None:
    ids = await world.owe(10)
    keys = [(await world.get(one)).key.encode() for one in ids]
    good = page("application/json", success("household_visit"))
    async with owing(world, "household_visit", good, in_flight=4) as sink:
        for key in keys[:3]:
            sink.on(key, answer(503)).on(key, good)
        await world.drain()
        assert sorted((await world.states()).values()).count(State.DELIVERED) == 7
        await world.drain(seconds=5)
        assert set((await world.states()).values()) == {State.DELIVERED}
        assert [sink.seen(key) for key in keys] == [2] * 3 + [1] * 7


@pytest.mark.fault("F52")
@pytest.mark.parametrize(("whose", "state"), [("ours", State.DELIVERED), ("another's", State.PARKED)])
async def test_already_there_is_success_only_where_it_is_ours(world: World, whose: str, state: State) -> None:
    (one,) = await world.owe()
    key = (await world.get(one)).key if whose == "ours" else "somebody-else"
    said = {"code": "DUP", "msg": "该桶今日已打分", "existing": {"requestId": key, "number": "S-9"}}
    async with owing(world, "garbage_scoring", answer_json(said)) as sink:
        await world.drain()
        await world.drain(days=3)
        assert len(sink.requests) == 1
    row = await world.get(one)
    assert (row.state, row.remote_id) == (state, "S-9" if whose == "ours" else "")


async def test_a_repeated_key_is_acknowledged_once_more_and_has_one_effect(world: World) -> None:
    """It stores the first and cuts the line; told again, it says so."""
    (one,) = await world.owe()
    again = {"code": 0, "data": {"number": "S-1", "repeated": True}}
    async with owing(world, "household_visit") as sink:
        sink.on(b"POST /api/visits", KEEP, RESET).on(b"POST /api/visits", answer_json(again))
        await world.drain()
        assert (await world.get(one)).state == State.RETRY
        await world.drain(seconds=3)
        assert (await world.get(one)).state == State.DELIVERED
        sent = [each for each in sink.requests if b"POST /api/visits" in each]
        assert (len(sink.kept), len(sent), sent[0] == sent[1]) == (1, 2, True)


async def test_a_system_that_confirms_and_forgets_is_believed(world: World) -> None:
    """What reconciliation is for; the outbox alone cannot know."""
    await world.owe()
    async with owing(world, "household_visit") as sink:
        sink.say(KEEP, page("application/json", success("household_visit")), FORGET)
        await world.drain()
        assert set((await world.states()).values()) == {State.DELIVERED}
        assert sink.kept == []
