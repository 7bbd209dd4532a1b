"""What the machine found wrong about codes: who has one when a row leaves, ends, comes back or cannot be read."""

from typing import Any

import pytest

from hub.model import Alias, PlaceHistory
from hub.sdk import LeftOut
from hub.store import Store
from tests.conftest import HandClock
from tests.some_connectors.county import VILLAGE, County
from tests.some_connectors.source import Sources

ONE: dict[str, Any] = {"door": "D-1", "village": VILLAGE, "address": "幸福路1号", "head": "陈大山", "count": 4}


def sticker(*codes: str) -> list[dict[str, str]]:
    return [{"by": "police", "text": code} for code in codes]


@pytest.fixture
async def hub(store: Store, clock: HandClock) -> Sources:
    """Two houses, read once."""
    sources = Sources(County(store, clock))
    sources.doors.say(ONE, ONE | {"door": "D-2", "address": "幸福路2号", "head": "李小河"})
    await sources.pull("doors")
    return sources


@pytest.mark.case("C04")
@pytest.mark.parametrize("goes_to", ["D-8", None], ids=["another house", "no house"])
async def test_a_bin_that_goes_leaves_its_house_to_the_bin_that_stays(hub: Sources, goes_to: str | None) -> None:
    """No door has told of the house yet; once one does, the bin that names it stands there."""
    hub.bins.say({"bin": "B-1", "door": "D-9"}, {"bin": "B-2", "door": "D-9"})
    await hub.pull("bins")
    hub.bins.say({"bin": "B-1", "door": goes_to})
    await hub.pull("bins")
    (code,) = await hub.county.rows(Alias, code_key="d-9")
    assert (code.row_key, code.ended_at) == ("b-2", None)
    hub.doors.say(ONE | {"door": "D-9"})
    await hub.pull("doors")
    assert await hub.codes("D-9") == {"D-9", "B-2"}
    assert (await hub.known("D-9"))["doors household.head_name"] == "陈大山"


@pytest.mark.case("C04")
async def test_a_code_that_no_row_tells_any_more_ends_on_the_place_it_stood_on(hub: Sources) -> None:
    """The row that told it goes elsewhere; the history says where the code stood, and never that it went along."""
    hub.bins.say({"bin": "B-1", "door": "D-1"}, {"bin": "B-2", "door": "D-1"})
    hub.rivers.say({"near": "N-1", "door": "D-1", "bin": "B-9"})
    await hub.pull("bins", "rivers")
    hub.rivers.say({"near": "N-1", "door": "D-2", "bin": None})
    await hub.pull("rivers")
    assert await hub.place("B-9") is None
    (code,) = await hub.county.rows(Alias, code_key="b-9")
    here = await hub.place("D-1")
    assert here is not None
    assert (code.place_id, code.ended_at is not None) == (here.id, True)
    assert not await hub.county.rows(PlaceHistory, issuer="bins")


@pytest.mark.case("C04", "C05")
async def test_a_row_that_says_again_what_it_said_before_its_codes_tangled_is_open_no_more(hub: Sources) -> None:
    """A backup was restored, or somebody took a slip back: the row is as it was last kept."""
    hub.bins.say({"bin": "B-1", "door": "D-1"}, {"bin": "B-2", "door": "D-2"})
    hub.rivers.say({"near": "N-1", "door": "D-1", "phone": "19900000101"})
    await hub.pull("bins", "rivers")
    hub.rivers.say({"near": "N-1", "door": "D-1", "bin": "B-2", "phone": "19900000102"})
    await hub.pull("rivers")
    assert {*await hub.open()} == {("codes_tangled", "N-1", "")}
    assert (await hub.known("D-1"))["rivers household.phone"] == "19900000101"
    hub.rivers.say({"near": "N-1", "door": "D-1", "phone": "19900000101"})
    (report,) = await hub.pull("rivers")
    assert (report.changed, await hub.open()) == (0, {})
    (report,) = await hub.pull("rivers", from_start=True)
    assert (report.changed, await hub.open()) == (0, {})
    assert await hub.codes("D-1") == {"D-1", "B-1", "N-1"}


@pytest.mark.case("C04")
async def test_a_row_that_comes_back_with_a_sticker_another_one_has_is_asked_about(hub: Sources) -> None:
    """It says nothing of stickers now; the one it had is its own still."""
    one, two = (ONE | {"door": f"D-{number}", "old": sticker("S-1")} for number in (7, 8))
    for row in (one, two):
        hub.doors.say(row)
        await hub.pull("doors")
    assert await hub.codes("D-7") == {"D-7", "D-8", "S-1"}
    hub.doors.drop("D-8")
    await hub.pull("doors")
    assert await hub.open() == {}
    hub.doors.say({name: value for name, value in two.items() if name != "old"})
    await hub.pull("doors")
    ((_, item),) = (await hub.open()).items()
    asked = (item.reason, item.params["code"], {*item.params["rows"]})
    assert asked == ("open_item.told_by_two", "S-1", {"d-7", "d-8"})


@pytest.mark.case("C04")
async def test_a_row_left_behind_by_a_code_it_names_follows_once_its_own_system_tells_of_it(hub: Sources) -> None:
    """Nobody has told of D-9 yet: two rows of one System name it, and one of them a bin of another house, too."""
    hub.bins.say({"bin": "B-1", "door": "D-1"}, {"bin": "B-2", "door": "D-9"})
    hub.rivers.say({"near": "N-1", "door": "D-9"}, {"near": "N-2", "door": "D-9", "bin": "B-1"})
    await hub.pull("bins", "rivers")
    ((_, item),) = (await hub.open()).items()
    asked = (item.reason, item.params["code"], {*item.params["rows"]})
    assert asked == ("open_item.told_by_two", "D-9", {"n-1", "n-2"})
    hub.doors.say(ONE | {"door": "D-9"})
    for _ in range(2):
        await hub.pull("doors", "bins", "rivers")
        await hub.pull("doors", "bins", "rivers", from_start=True)
    assert await hub.open() == {}
    assert await hub.codes("D-9") == {"D-1", "D-9", "B-1", "B-2", "N-1", "N-2"}


@pytest.mark.case("C04")
async def test_a_row_left_behind_by_one_that_moves_follows_once_its_own_system_tells_of_it(hub: Sources) -> None:
    """Both stood on one Place; one of them names a bin of another house now, and the code that both name goes along."""
    hub.bins.say({"bin": "B-1", "door": "D-1"})
    hub.rivers.say({"near": "N-1", "door": "D-9"}, {"near": "N-2", "door": "D-9"})
    await hub.pull("bins", "rivers")
    assert await hub.open() == {}
    hub.rivers.say({"near": "N-1", "door": "D-9", "bin": "B-1"})
    await hub.pull("rivers")
    ((_, item),) = (await hub.open()).items()
    assert (item.reason, item.params["code"]) == ("open_item.told_by_two", "D-9")
    hub.doors.say(ONE | {"door": "D-9"})
    for _ in range(2):
        await hub.pull("doors", "rivers")
        await hub.pull("doors", "rivers", from_start=True)
    assert await hub.open() == {}
    assert await hub.codes("D-9") == {"D-1", "D-9", "B-1", "N-1", "N-2"}


@pytest.mark.case("C04", "C06")
async def test_a_sticker_goes_to_a_row_that_can_be_read_when_another_gives_it_up(hub: Sources) -> None:
    """The one nobody can decode has it when it can be read again, or never."""
    hub.doors.say(*(ONE | {"door": f"D-{number}", "old": sticker("S-1")} for number in (7, 8, 9)))
    await hub.pull("doors")
    del hub.doors.rows["D-8"]
    hub.doors.left_out = (LeftOut("D-8", "line 7: not UTF-8"),)
    hub.doors.say(ONE | {"door": "D-9", "old": []})
    for _ in range(3):
        await hub.pull("doors", from_start=True)
    assert await hub.codes("D-7") == {"D-7", "S-1"}
    assert {*await hub.open()} == {("codes_tangled", "D-8", "police"), ("row_left_out", "D-8", "")}


@pytest.mark.case("C04")
async def test_a_row_that_comes_back_without_the_code_it_ended_with_stands_alone(hub: Sources) -> None:
    """The Place it stood on leads to the house the code is of; nothing says now that the row is of that house."""
    hub.bins.say({"bin": "B-1", "door": "D-9"})
    await hub.pull("bins")
    hub.bins.drop("B-1")
    await hub.pull("bins")
    hub.doors.say(ONE | {"door": "D-9"})
    await hub.pull("doors")
    hub.bins.say({"bin": "B-1", "door": None})
    await hub.pull("bins")
    assert await hub.codes("D-9") == {"D-9"}
    hub.bins.say({"bin": "B-1", "door": "D-9"})
    await hub.pull("bins")
    assert await hub.codes("D-9") == {"D-9", "B-1"}


@pytest.mark.case("C04", "C06")
async def test_a_third_row_that_takes_a_sticker_just_given_up_is_asked_about_with_the_other(hub: Sources) -> None:
    """Within one page one row gives it up and another takes it; the row that nobody can decode had it all the time."""
    hub.doors.say(*(ONE | {"door": f"D-{number}", "old": sticker("S-1")} for number in (7, 8)))
    await hub.pull("doors")
    del hub.doors.rows["D-7"]
    hub.doors.left_out = (LeftOut("D-7", "line 7: not UTF-8"),)
    hub.doors.say(ONE | {"door": "D-8", "old": []}, ONE | {"door": "D-9", "old": sticker("S-1")})
    await hub.pull("doors", from_start=True)
    (asked,) = [item for key, item in (await hub.open()).items() if key[0] == "codes_tangled"]
    assert {*asked.params["rows"]} == {"d-7", "d-9"}
