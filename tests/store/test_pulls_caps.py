"""What a source may do wrong without a pull running for ever, holding everything, or stopping at one bad row."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest

from hub.model import PullRow
from hub.model.system import PullOutcome
from hub.pulls.run import pull_now
from hub.sdk import Capabilities, Page
from hub.store import Store
from tests.conftest import HandClock
from tests.some_connectors.county import VILLAGE, County
from tests.some_connectors.source import Sources, registry_with

GOOD: dict[str, Any] = {"door": "D-1", "village": VILLAGE, "address": "1", "head": "陈大山"}


class Endless:
    """A list that always says more: the same rows, new ones, or none."""

    capabilities: ClassVar = Capabilities(honours_key=True)

    def __init__(self, clock: HandClock, kind: str) -> None:
        self.pages, self._clock, self._kind = 0, clock, kind

    async def pull(self, _source: str, _cursor: str) -> AsyncIterator[Page]:
        while True:
            self.pages += 1
            assert self.pages < 5_000, "nobody stops it"
            await asyncio.sleep(0)
            keys = {"same": range(3), "new": range(self.pages * 50, self.pages * 50 + 50), "none": range(0)}
            if self._kind == "slow":
                self._clock.tick(minutes=20)
            rows = keys.get(self._kind, range(self.pages, self.pages + 1))
            yield Page(tuple(GOOD | {"door": f"D-{n}"} for n in rows), f"c{self.pages}")


@pytest.fixture
async def hub(store: Store, clock: HandClock) -> Sources:
    return Sources(County(store, clock), registry_with("doors", most_rows=500))


@pytest.mark.case("C69")
@pytest.mark.fault("F91")
@pytest.mark.parametrize(
    ("kind", "reason"),
    [("same", "list_never_ends"), ("none", "list_never_ends"), ("new", "too_many_rows"), ("slow", "takes_too_long")],
)
async def test_a_list_that_never_ends_is_broken_off(hub: Sources, clock: HandClock, kind: str, reason: str) -> None:
    hub.pulls.connectors["doors"] = endless = Endless(clock, kind)  # type: ignore[index,assignment]  # a fake of what is asked
    async with asyncio.timeout(120):
        (report,) = await hub.pull("doors")
    assert report.outcome is PullOutcome.FAILED
    ((key, item),) = (await hub.open()).items()
    assert (key[0], item.reason) == ("pull_failed", f"open_item.{reason}")
    assert endless.pages < 300
    assert len(await hub.county.rows(PullRow)) <= 600


@pytest.mark.case("C69")
@pytest.mark.fault("F91")
@pytest.mark.parametrize(
    "bad",
    [["a", "list"], "text", None, 7, {"door": "D-\0"}, {"door": "D-\ud800"}, {"door": {}}, {"door": "x" * 300},
     {"door": "\x01"}, {}],
    ids=repr,
)  # fmt: skip
async def test_a_row_that_is_none_is_left_out_and_the_others_are_read(hub: Sources, bad: object) -> None:
    hub.doors.say(GOOD)
    hub.doors.rows["bad"] = bad
    (report,) = await hub.pull("doors")
    assert (report.outcome, report.rows, report.left_out) == (PullOutcome.DONE, 1, 1)
    assert [kind for kind, _, _ in await hub.open()] == ["row_left_out"]
    assert await hub.place("D-1") is not None
    del hub.doors.rows["bad"]
    await hub.pull("doors", from_start=True)
    assert await hub.open() == {}


@pytest.mark.case("C69")
@pytest.mark.fault("F91")
@pytest.mark.parametrize("value", ["陈\0", "陈\ud800山", "\udfff", 10**400, float("nan"), "[" * 10_000])
@pytest.mark.parametrize("field", ["head", "count", "address", "village", "unmapped"])
async def test_a_value_no_database_can_keep_is_one_field(hub: Sources, field: str, value: object) -> None:
    """A field the wiring does not read is nobody's fault."""
    hub.doors.say(GOOD | {field: value})
    (report,) = await hub.pull("doors")
    assert (report.outcome, report.rows, report.left_out) == (PullOutcome.DONE, 1, 0)
    assert len(await hub.open()) == (0 if field == "unmapped" else 1)
    (again,) = await hub.pull("doors", from_start=True)
    assert again.changed == 0


@pytest.mark.case("C69")
@pytest.mark.fault("F91")
async def test_a_code_no_database_can_keep_is_one_code(hub: Sources) -> None:
    hub.doors.say(
        GOOD
        | {"old": [{"by": "police", "text": "S\0"}, {"by": "x" * 90, "text": "S-2"}, {"by": "police", "text": "S-3"}]}
    )
    await hub.pull("doors")
    assert await hub.codes("D-1") == {"D-1", "S-3"}
    assert [kind for kind, _, _ in await hub.open()] == ["value_not_understood"]


@pytest.mark.case("C69")
@pytest.mark.fault("F91")
async def test_a_pull_that_is_stopped_ends_its_connector(hub: Sources, clock: HandClock) -> None:
    ended = asyncio.Event()

    class Waiting(Endless):
        async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
            try:
                async for page in super().pull(source, cursor):
                    yield page
            finally:
                ended.set()

    hub.pulls.connectors["doors"] = Waiting(clock, "same")  # type: ignore[index,assignment]  # as above
    await pull_now(hub.pulls, "doors")
    assert ended.is_set()
