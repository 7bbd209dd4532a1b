"""SOAP answers that break off or crawl are no success; what was stored all the same is found, never told twice."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.grid_event.connector import Connector
from hub.model.delivery import State
from hub.outbox.capacity import Line
from hub.sdk import Unanswered, Unavailable
from hub.sdk.doors import open_doors
from hub.sdk.egress import Egress
from hub.store import Store
from tests.builders import World, watch_moves
from tests.conftest import HandClock
from tests.connectors.answering import facing, owing
from tests.connectors.sink import CLOSE, HANG, KEEP, Sink, drip
from tests.connectors.soap import (
    FIND,
    KIND,
    REPORT,
    STACKS,
    absent,
    envelope,
    looked_up,
    said,
    settings,
    stored,
    there,
    understood,
)
from tests.connectors.system import System, outgoing
from tests.faults.proxy import Proxy, listening

GOOD = envelope(stored()).encode()


# --- cut, and dripping ------------------------------------------------------------------------------------------------


@pytest.mark.fault("F53")
@pytest.mark.parametrize("stack", STACKS)
def test_no_beginning_of_an_envelope_is_an_answer(stack: str) -> None:
    """Even where HTTP says that it is all there: neither one to a filing nor one that nothing was filed."""
    for text, read in ((stored(), understood), (absent(), looked_up)):
        whole = envelope(text, stack).encode()
        for size in range(len(whole)):
            with pytest.raises(Unanswered):
                read(whole[:size])
    assert looked_up(whole) is None


@pytest.mark.fault("F53")
async def test_an_answer_cut_at_any_byte_is_unanswered() -> None:
    async with Sink() as sink, facing(sink, KIND) as connector:
        sink.on(FIND, said(envelope(absent())))
        whole = said(GOOD)
        for size in range(len(whole)):
            sink.on(REPORT, whole[:size], CLOSE)
        sink.on(REPORT, whole)
        for _ in range(len(whole)):
            with pytest.raises(Unanswered):
                await connector.push(outgoing("finding", {"n": 1}))
        assert (await connector.push(outgoing("finding", {"n": 1}))).remote_id == "ZZ-1"


@pytest.mark.fault("F55")
async def test_an_answer_that_drips_in_is_given_up_on_in_time(world: World) -> None:
    (one,) = await world.owe()
    key = (await world.get(one)).key
    async with owing(world, KIND, answer_s=0.4) as sink:
        sink.on(FIND, said(envelope(absent(key)))).on(REPORT, *drip(said(envelope(stored(key))), 0.01), CLOSE)
        began = time.monotonic()
        await world.drain()
        assert time.monotonic() - began < 2
        assert sink.pieces > 3
    assert (await world.get(one)).state == State.UNKNOWN


async def test_a_question_nobody_answers_leaves_time_to_say_that_nothing_was_filed() -> None:
    """Cut off by the time of the whole attempt, it would be unknown instead."""
    async with Sink() as sink, facing(sink, KIND, ask_s=1) as connector:
        sink.say(HANG)
        with pytest.raises(Unavailable, match="no complete answer within 1 s"):
            await connector.push(outgoing("finding", {"n": 1}))
        assert (len(sink.requests), sink.seen(REPORT)) == (3, 0)


# --- through the outbox, on both databases ----------------------------------------------------------------------------


@pytest.fixture
async def either(store: Store, clock: HandClock) -> AsyncIterator[World]:
    """The outbox on each kind of database."""
    illegal = await watch_moves(store)
    yield World(store, clock)
    assert await illegal() == set()


@pytest.mark.fault("F53")
@pytest.mark.parametrize("cut", [0, 40, -1])
async def test_an_answer_cut_after_it_was_stored_is_found_again_and_told_once(either: World, cut: int) -> None:
    (one,) = await either.owe()
    key = (await either.get(one)).key
    async with owing(either, KIND) as sink:
        sink.on(FIND, said(envelope(absent(key)))).on(FIND, said(envelope(there(key))))
        sink.on(REPORT, KEEP, said(envelope(stored(key)))[:cut], CLOSE)
        await either.drain()
        row = await either.get(one)
        assert (row.state, row.repeat, row.attempts) == (State.UNKNOWN, True, 1)
        await either.drain(minutes=10)
        row = await either.get(one)
        assert (row.state, row.remote_id) == (State.DELIVERED, "ZZ-1")
        await either.drain(days=1)
        assert (len(sink.kept), sink.seen(REPORT)) == (1, 1)


@pytest.mark.fault("F53")
async def test_the_same_with_a_centre_that_files_twice_what_it_is_told_twice(either: World, tmp_path: Path) -> None:
    centre = System(KIND, tmp_path / KIND)
    await asyncio.to_thread(centre.start, centre.simulator.sample_seed())
    payload = outgoing("finding", centre.simulator.sample_payloads()["finding"]).payload
    (one,) = await either.owe(payload=payload)
    key = (await either.get(one)).key
    lossy = Proxy(lambda data: "reply" if REPORT in data else "", port=centre.port)
    try:
        async with listening(lossy) as port:
            egress = Egress.parse([f"127.0.0.1:{port}"], allow_loopback=True)
            doors = open_doors(egress, either.clock)
            to = settings(url=f"http://127.0.0.1:{port}/zzwg/services/EventService")
            either.lines["north"] = Line(Connector(to, doors), 1, 1_000, timedelta(seconds=5))
            await either.drain()
            assert ((await either.get(one)).state, lossy.lost) == (State.UNKNOWN, 1)
            await either.drain(minutes=10)
            row = await either.get(one)
            await doors.aclose()
        shown = await asyncio.to_thread(centre.page)
    finally:
        await asyncio.to_thread(centre.stop)
    assert row.state == State.DELIVERED
    assert row.remote_id in shown
    assert shown.count(f"event.report {key}") == 1
