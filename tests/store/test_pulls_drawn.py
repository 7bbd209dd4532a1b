"""What the machine of tests/machine/pull_machine.py found wrong, each small: rows respelled, keyless, cut off."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.model import PullRow
from hub.model.open_item import ItemState
from hub.model.system import PullOutcome
from hub.pulls import decide
from hub.sdk import LeftOut, Page, Unavailable
from hub.store import Store
from hub.store.query.open_items import Decision
from tests.conftest import HandClock
from tests.some_connectors.county import VILLAGE, County
from tests.some_connectors.source import Sources

ONE: dict[str, Any] = {"door": "D-1", "village": VILLAGE, "address": "幸福路1号", "head": "陈大山", "count": 4}
TWO: dict[str, Any] = ONE | {"door": "D-2", "address": "幸福路2号", "head": "李小河"}
THREE: dict[str, Any] = ONE | {"door": "D-3", "address": "幸福路3号", "head": "王小明"}


def sticker(*codes: str) -> list[dict[str, str]]:
    return [{"by": "police", "text": code} for code in codes]


@pytest.fixture
async def hub(store: Store, clock: HandClock) -> Sources:
    """Three houses, read once."""
    sources = Sources(County(store, clock))
    sources.doors.say(ONE, TWO, THREE)
    await sources.pull("doors")
    return sources


@pytest.mark.case("C11")
@pytest.mark.parametrize("key", [None, "", "D\x01", "x" * 201], ids=["null", "empty", "control", "long"])
async def test_a_known_row_that_lost_its_key_has_not_ended(hub: Sources, key: object) -> None:
    """Any known row may be the one that came under no key: as long as there is one, nothing is taken for gone."""
    del hub.doors.rows["D-1"]
    hub.doors.rows["?"] = ONE | {"door": key}
    (report,) = await hub.pull("doors", from_start=True)
    assert (report.outcome, report.ended, report.left_out) == (PullOutcome.DONE, 0, 1)
    assert await hub.place("D-1") is not None
    (report,) = await hub.pull("doors", believing=True, from_start=True)
    assert (report.ended, await hub.place("D-1")) == (1, None), "a person has looked"
    del hub.doors.rows["?"]
    hub.doors.say(ONE)
    await hub.pull("doors", from_start=True)
    assert await hub.open() == {}


@pytest.mark.case("C11")
async def test_a_short_reading_is_doubted_though_one_of_its_rows_has_no_key(hub: Sources) -> None:
    """Else that row would hide how little came, and the next reading as short would end the others."""
    hub.doors.say(*(ONE | {"door": f"D-{number}", "address": f"幸福路{number}号"} for number in (4, 5, 6)))
    await hub.pull("doors", from_start=True)
    whole, keyless = dict(hub.doors.rows), {"?": ONE | {"door": None}}
    for names in (("D-1", "D-2"), ("D-1", "D-2", "D-3", "D-4"), ("D-1", "D-2", "D-3")):
        is_short = len(names) < 4
        hub.doors.rows = {name: whole[name] for name in names} | (keyless if names[-1] != "D-3" else {})
        (report,) = await hub.pull("doors", from_start=True)
        assert report.outcome == (PullOutcome.DOUBTED if is_short else PullOutcome.DONE), names
        assert (report.ended, ("doubted", "", "") in await hub.open()) == (0, is_short), names
    assert await hub.place("D-6") is not None


@pytest.mark.case("C05")
async def test_what_is_open_about_a_row_is_solved_however_its_key_is_written_then(hub: Sources) -> None:
    hub.doors.say(ONE | {"count": "约4人"})
    await hub.pull("doors")
    hub.doors.say(ONE | {"door": "ｄ-1 ", "count": "五人"})
    await hub.pull("doors")
    ((_, key, _), item), *others = (await hub.open()).items()
    assert (key, item.times, others) == ("D-1", 2, []), "one row, one item"
    hub.doors.rows = {"D-1": ONE | {"door": "d-1"}, "D-2": TWO, "D-3": THREE}
    await hub.pull("doors", from_start=True)
    assert await hub.open() == {}


@pytest.mark.case("C04")
async def test_two_new_rows_of_one_sticker_are_asked_about(hub: Sources) -> None:
    """They may be flats of one house, or somebody wrote the same twice."""
    hub.doors.say(*(ONE | {"door": f"D-{number}", "old": sticker("S-1")} for number in (7, 8)))
    await hub.pull("doors")
    (key,) = await hub.open()
    assert key == ("codes_tangled", "D-8", "police")
    hub.doors.drop("D-7")
    await hub.pull("doors")
    assert await hub.open() == {}
    assert await hub.codes("D-8") == {"D-8", "S-1"}


@pytest.mark.case("C04")
async def test_another_sticker_of_two_rows_is_asked_about_though_the_first_was_dismissed(hub: Sources) -> None:
    shared = [ONE | {"door": f"D-{number}", "old": sticker("S-1")} for number in (7, 8)]
    hub.doors.say(*shared)
    await hub.pull("doors")
    (item,) = (await hub.open()).values()
    said = Decision("bea", "两户合用", hub.county.clock.now())
    await hub.county.store.write(lambda session: decide.end_item(session, item, ItemState.DISMISSED, said))
    hub.doors.say(*(row | {"count": 5} for row in shared))
    await hub.pull("doors")
    assert await hub.open() == {}
    hub.doors.say(*(row | {"old": sticker("S-1", "S-2")} for row in shared))
    await hub.pull("doors")
    assert {*await hub.open()} == {("codes_tangled", "D-8", "police")}


@pytest.mark.case("C04")
async def test_two_rows_of_two_stickers_are_asked_about_though_the_run_broke_off(
    hub: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run meets them unchanged, and it still has to be asked which house they are on."""
    hub.doors.say(ONE | {"old": sticker("S-1", "S-2")})
    await hub.pull("doors")
    hub.doors.say(TWO | {"old": sticker("S-1", "S-2")})
    pages = hub.doors.pull

    async def broken(source: str, cursor: str) -> AsyncIterator[Page]:
        async for page in pages(source, cursor):
            yield page
            raise Unavailable("away")

    monkeypatch.setattr(hub.doors, "pull", broken)
    (report,) = await hub.pull("doors")
    assert report.outcome is PullOutcome.FAILED
    monkeypatch.undo()
    for _ in range(2):
        await hub.pull("doors", from_start=True)
        assert {*await hub.open()} == {("codes_tangled", "D-2", "police")}
    hub.doors.say(ONE | {"old": sticker("S-2")})
    await hub.pull("doors")
    ((_, item),) = (await hub.open()).items()
    assert (item.row_key, item.params["code"]) == ("D-2", "S-2"), "the other sticker is still told by both"
    hub.doors.say(ONE | {"old": []})
    await hub.pull("doors")
    assert await hub.open() == {}


@pytest.mark.case("C04")
@pytest.mark.parametrize("word", ["无", " / ", "未知"])
async def test_a_word_for_nothing_is_no_code(hub: Sources, word: str) -> None:
    """Two houses without an old sticker are two houses, and bins without a door stand nowhere together."""
    hub.doors.say(*(ONE | {"door": f"D-{number}", "old": sticker(word)} for number in (7, 8)))
    hub.bins.say({"bin": "B-1", "door": word}, {"bin": "B-2", "door": word})
    await hub.pull("doors", "bins")
    assert [await hub.codes(f"D-{number}") for number in (7, 8)] == [{"D-7"}, {"D-8"}]
    assert len({row.place_id for row in await hub.county.rows(PullRow)}) == 7
    hub.bins.say({"bin": "B-1", "door": "D-7"})
    await hub.pull("bins")
    hub.bins.say({"bin": "B-1", "door": word})
    await hub.pull("bins")
    assert await hub.codes("D-7") == {"D-7"}, "such a word ends the tie, as a null does"


@pytest.mark.case("C10")
async def test_a_place_that_ended_is_there_again_once_a_person_puts_a_row_on_it(hub: Sources) -> None:
    hub.bins.say({"bin": "B-1", "door": "D-1"})
    await hub.pull("bins")
    gone = await hub.place("D-2")
    assert gone is not None
    hub.doors.drop("D-2")
    await hub.pull("doors")
    assert await hub.place("D-2") is None
    here, said = await hub.place("D-1"), Decision("bea", "上门看过", hub.county.clock.now())
    assert here is not None
    rows = [("bins", "homes", "b-1")]
    await hub.county.store.write(lambda session: decide.part(session, here.id, rows, gone.id, said)[0])
    found = await hub.place("B-1")
    assert found is not None
    assert (found.id, found.ended_at) == (gone.id, None)


@pytest.mark.case("C10")
async def test_what_is_asked_about_two_rows_of_one_place_is_not_decided_by_a_third(hub: Sources) -> None:
    hub.doors.say(*(ONE | {"door": f"D-{number}", "old": sticker("S-1")} for number in (7, 8)))
    hub.bins.say({"bin": "B-1", "door": "D-1"})
    await hub.pull("doors", "bins")
    here, into, said = (
        await hub.place("D-1"),
        await hub.place("D-7"),
        Decision("bea", "上门看过", hub.county.clock.now()),
    )
    assert here is not None
    assert into is not None
    rows = [("bins", "homes", "b-1")]
    await hub.county.store.write(lambda session: decide.part(session, here.id, rows, into.id, said)[0])
    assert {*await hub.open()} == {("codes_tangled", "D-8", "police")}
    await hub.county.store.write(lambda session: decide.place_code(session, into.id, ("police", "S-1"), said))
    assert await hub.open() == {}


@pytest.mark.case("C04")
async def test_two_bins_of_a_house_nobody_has_told_of_are_no_question(hub: Sources) -> None:
    """Bins may be read before the doors are; many of one house is what they are."""
    hub.bins.say({"bin": "B-1", "door": "D-9"}, {"bin": "B-2", "door": "D-9"})
    await hub.pull("bins")
    assert await hub.open() == {}
    assert len({row.place_id for row in await hub.county.rows(PullRow, system="bins")}) == 1


@pytest.mark.case("C11")
@pytest.mark.parametrize("is_placed", [False, True], ids=["told", "placed by a person"])
async def test_what_comes_back_stands_on_what_its_place_turned_out_to_be(hub: Sources, is_placed: bool) -> None:
    hub.bins.say({"bin": "B-1", "door": None})
    await hub.pull("bins")
    here, said = await hub.place("D-1"), Decision("bea", "上门看过", hub.county.clock.now())
    assert here is not None
    (row,) = await hub.county.rows(PullRow, system="bins")
    if is_placed:
        await hub.county.store.write(lambda session: decide.link(session, row.place_id, here.id, said))
        rows = [("bins", "homes", "b-1")]
        await hub.county.store.write(lambda session: decide.part(session, here.id, rows, None, said)[0])
        (row,) = await hub.county.rows(PullRow, system="bins")
    hub.bins.drop("B-1")
    await hub.pull("bins")
    await hub.county.store.write(lambda session: decide.link(session, row.place_id, here.id, said))
    hub.bins.say({"bin": "B-1", "level": "good"})
    await hub.pull("bins")
    assert await hub.codes("D-1") == {"D-1", "B-1"}
    assert (await hub.known("D-1"))["bins bin.last_level"] == "good"


@pytest.mark.case("C04")
async def test_a_sticker_goes_to_who_still_tells_it_when_the_other_row_ends(hub: Sources) -> None:
    """At the next whole reading, since its row is the same as before."""
    hub.doors.say(*(ONE | {"door": f"D-{number}", "old": sticker("S-1")} for number in (7, 8)))
    await hub.pull("doors")
    hub.doors.drop("D-7")
    await hub.pull("doors")
    hub.doors.say(ONE | {"door": "D-8", "old": []}, ONE | {"door": "D-9", "old": sticker("S-1")})
    await hub.pull("doors")
    hub.doors.say(ONE | {"door": "D-8", "old": sticker("S-1")})
    await hub.pull("doors")
    hub.doors.drop("D-8")
    await hub.pull("doors")
    await hub.pull("doors", from_start=True)
    assert await hub.codes("D-9") == {"D-9", "S-1"}
    assert await hub.open() == {}


@pytest.mark.case("C06")
async def test_a_row_that_can_be_read_again_is_left_out_no_more_though_its_codes_tangle(hub: Sources) -> None:
    """What of it is not understood is told all the same."""
    hub.bins.say({"bin": "B-1", "door": "D-1"}, {"bin": "B-2", "door": "D-2"})
    hub.rivers.left_out = (LeftOut("N-1", "line 7: not UTF-8"),)
    await hub.pull("bins", "rivers")
    hub.rivers.left_out = ()
    hub.rivers.say({"near": "N-1", "door": "D-1", "bin": "B-2", "phone": "1.99E+10"})
    await hub.pull("rivers")
    assert {*await hub.open()} == {
        ("codes_tangled", "N-1", ""), ("value_not_understood", "N-1", "household.phone"),
    }  # fmt: skip
