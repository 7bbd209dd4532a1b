"""What people decide and file, and what a reading brings, at the very same moment."""

import asyncio
from dataclasses import replace
from functools import partial

import orjson
import pytest

from hub.errors import Problem
from hub.intake.skipped import look_again
from hub.model import Delivery, Place, Skip
from hub.pulls import decide
from hub.pulls.reading import After
from hub.store import Store
from hub.store.query.open_items import Decision
from tests.conftest import HandClock
from tests.some_connectors.county import BIN, VILLAGE, County, visit
from tests.some_connectors.source import Sources
from tests.store.test_move import moved
from tests.store.withdrawn import take_back

ROUNDS = 12
FLOW = {"system": "bins", "flow": "bin_score"}


@pytest.fixture
async def hub(store: Store, clock: HandClock) -> Sources:
    """A dozen doors whose bins are not known yet."""
    county = await County(store, clock).settle()
    sources = Sources(county)
    after = After(partial(look_again, county.intake.rules), county.intake.outbox.ring)
    sources.pulls = replace(sources.pulls, after=after)
    sources.doors.say(*(
        {"door": f"E-{n}", "village": VILLAGE, "address": f"同时路{n}号", "head": "李小河", "count": 2, "old": []}
        for n in range(ROUNDS)
    ))  # fmt: skip
    await sources.pull("doors")
    return sources


def scored(number: int, sorting: str = "good") -> dict[str, object]:
    return visit(place=f"E-{number}", answers={"bin": BIN | {"bin.sorting": sorting}})


def bring_bin(hub: Sources, number: int) -> None:
    hub.bins.say({"bin": f"B-{number}", "door": f"E-{number}", "level": "good"})


async def last_sent(hub: Sources) -> list[Delivery]:
    """The last Delivery of each Record to the System of bins."""
    rows = await hub.county.rows(Delivery, **FLOW)
    return [*{row.record_key: row for row in sorted(rows, key=lambda row: row.revision)}.values()]


@pytest.mark.case("C09")
async def test_what_is_filed_while_its_bin_is_read_is_sent(hub: Sources) -> None:
    """Planned before the code is there, kept after the reading looked for what waits: nobody would look again."""
    for number in range(ROUNDS):
        bring_bin(hub, number)
        await asyncio.gather(hub.county.submit(scored(number)), hub.pull("bins"))
    assert (len(await last_sent(hub)), await hub.county.rows(Skip, **FLOW)) == (ROUNDS, [])


@pytest.mark.case("C09")
async def test_what_is_corrected_while_its_bin_is_read_is_sent_as_corrected(hub: Sources) -> None:
    filed = [await hub.county.submit(scored(number)) for number in range(ROUNDS)]
    for number, accepted in enumerate(filed):
        bring_bin(hub, number)
        await asyncio.gather(hub.county.correct(accepted, scored(number, "poor")), hub.pull("bins"))
    sent = await last_sent(hub)
    assert [orjson.loads(row.payload)["sorting"] for row in sent] == ["poor"] * ROUNDS
    assert {row.state for row in sent} == {"waiting"}


@pytest.mark.case("C09")
async def test_what_is_taken_back_while_its_bin_is_read_is_not_sent(hub: Sources) -> None:
    filed = [await hub.county.submit(scored(number)) for number in range(ROUNDS)]
    for number, accepted in enumerate(filed):
        bring_bin(hub, number)
        await asyncio.gather(take_back(hub.county, accepted), hub.pull("bins"))
    sent = await hub.county.rows(Delivery, **FLOW)
    assert {row.state for row in sent} <= {"cancelled"}


@pytest.mark.case("C10")
async def test_what_was_filed_at_a_place_that_is_linked_now_is_corrected_there_and_not_moved(hub: Sources) -> None:
    filed = await hub.county.submit(scored(0))
    one, into = [await hub.place(f"E-{number}") for number in (0, 1)]
    assert one is not None
    assert into is not None
    said = Decision("bea", "同一户", hub.county.clock.now())
    await hub.county.store.write(lambda session: decide.link(session, one.id, into.id, said))
    for place in (one.id, "E-0", "E-1"):
        await hub.county.correct(filed, scored(0) | {"place": place})
    with pytest.raises(Problem) as caught:
        await hub.county.correct(filed, scored(2))
    assert caught.value.faults[0].code == "place_differs"
    with pytest.raises(Problem) as caught:
        await moved(hub.county, filed, scored(1))
    assert caught.value.faults[0].code == "place_same"


@pytest.mark.case("C10")
async def test_what_was_filed_at_a_place_is_corrected_while_that_place_is_linked(hub: Sources) -> None:
    for number in range(0, ROUNDS, 2):
        filed = await hub.county.submit(scored(number))
        one, into = [await hub.place(f"E-{n}") for n in (number, number + 1)]
        assert one is not None
        assert into is not None
        said = Decision("bea", "同一户", hub.county.clock.now())
        await asyncio.gather(
            hub.county.correct(filed, scored(number, "poor")),
            hub.county.store.write(lambda s, a=one.id, b=into.id, said=said: decide.link(s, a, b, said)),
        )


@pytest.mark.case("C10")
async def test_a_link_while_a_reading_merges_the_same_rows(hub: Sources) -> None:
    for number in range(0, ROUNDS, 2):
        one, into = [await hub.place(f"E-{n}") for n in (number, number + 1)]
        assert one is not None
        assert into is not None
        said = Decision("bea", "同一户", hub.county.clock.now())
        hub.doors.say(*(hub.doors.rows[f"E-{n}"] | {"count": 3} for n in (number, number + 1)))
        hub.bins.say({"bin": f"B-{number}", "door": f"E-{number}", "level": "good"})
        await asyncio.gather(
            hub.county.store.write(lambda s, a=one.id, b=into.id, said=said: decide.link(s, a, b, said)),
            hub.pull("doors", "bins"),
        )
        await hub.pull("doors", "bins", from_start=True)
        assert await hub.codes(f"E-{number}") == {f"E-{number}", f"E-{number + 1}", f"B-{number}"}
        assert (await hub.place(one.id)).id == (await hub.place(f"B-{number}")).id
    assert await hub.open() == {}


@pytest.mark.case("C10")
async def test_links_in_a_ring_at_once_make_no_ring(hub: Sources) -> None:
    ids = [(await hub.place(f"E-{n}")).id for n in range(ROUNDS)]
    said = Decision("bea", "同一户", hub.county.clock.now())
    done = await asyncio.gather(*(
        hub.county.store.write(lambda s, a=a, b=b: decide.link(s, a, b, said))
        for a, b in zip(ids, ids[1:] + ids[:1], strict=True)
    ), return_exceptions=True)  # fmt: skip
    assert all(isinstance(each, frozenset | Problem) for each in done), done
    places = {place.id: place for place in await hub.county.rows(Place)}
    for each in ids:
        opened = await hub.place(each)
        assert opened is not None
        assert (opened.linked_to, places[opened.id].ended_at) == (None, None)
        assert await hub.codes(opened.id)


@pytest.mark.case("C10")
async def test_rows_are_parted_while_their_place_is_linked_away(hub: Sources) -> None:
    for number in range(0, ROUNDS, 2):
        hub.bins.say({"bin": f"B-{number}", "door": f"E-{number}", "level": "good"})
        await hub.pull("bins")
        one, into = [(await hub.place(f"E-{n}")).id for n in (number, number + 1)]
        said, row = Decision("bea", "看过", hub.county.clock.now()), ("bins", "homes", f"b-{number}")
        done = await asyncio.gather(
            hub.county.store.write(lambda s, a=one, b=into, said=said: decide.link(s, a, b, said)),
            hub.county.store.write(lambda s, a=one, row=row, said=said: decide.part(s, a, {row}, None, said)),
            return_exceptions=True,
        )
        assert all(isinstance(each, frozenset | tuple | Problem) for each in done), done
        await hub.pull("doors", "bins", from_start=True)
        assert await hub.codes(f"E-{number}") >= {f"E-{number}", f"E-{number + 1}"}
        parted = not isinstance(done[1], Problem)
        assert (f"B-{number}" in await hub.codes(f"E-{number}")) is not parted
