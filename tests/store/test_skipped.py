"""What a System did not get for want of something about its Place is sent by the reading that brings it."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlmodel import col, update

from hub.intake.skipped import LOOK_BACK, look_again
from hub.model import Delivery, Record, Skip
from hub.model.delivery import State
from hub.model.system import PullOutcome
from hub.pulls.reading import After
from hub.sdk.errors import Misconfigured
from hub.store import Store
from tests.conftest import HandClock
from tests.some_connectors.county import BIN, SIBLING, VILLAGE, County, visit
from tests.some_connectors.source import Sources
from tests.store.withdrawn import take_back

pytestmark = pytest.mark.case("C09")
DOOR = {"door": "D-2", "village": VILLAGE, "address": "幸福路2号", "head": "李小河", "count": 2, "old": []}
BIN_TWO = {"bin": "B-2", "door": "D-2", "level": "good"}


@pytest.fixture
async def hub(store: Store, clock: HandClock) -> Sources:
    """A house the bin system has not told of yet."""
    county = await County(store, clock).settle()
    sources = Sources(county)
    sources.pulls = replace(
        sources.pulls, after=After(partial(look_again, county.intake.rules), county.intake.outbox.ring)
    )
    sources.doors.say(DOOR)
    await sources.pull("doors")
    return sources


def scored() -> dict[str, object]:
    return visit(place="D-2", answers={"bin": BIN})


async def at_bins(hub: Sources) -> list[tuple[str, int, str]]:
    rows = await hub.county.rows(Delivery, system="bins", flow="bin_score")
    return [(str(row.state), row.revision, row.payload.decode()) for row in rows]


async def test_a_score_made_while_the_reading_failed_goes_when_the_code_is_known(hub: Sources) -> None:
    hub.bins.failure = Misconfigured("401: wrong secret")
    (failed,) = await hub.pull("bins")
    assert (failed.outcome, failed.reason) == (PullOutcome.FAILED, "401: wrong secret")
    accepted = await hub.county.submit(scored())
    assert (await hub.county.skips(accepted))["bin bins/bin_score"] == "condition"
    hub.county.rung.clear()
    hub.bins.failure = None
    hub.bins.say(BIN_TWO)
    await hub.pull("bins")
    ((state, revision, payload),) = await at_bins(hub)
    assert (state, revision) == ("waiting", 1)
    assert '"bin":"B-2"' in payload
    assert "bin bins/bin_score" not in await hub.county.skips(accepted)
    assert hub.county.rung == [{"bins"}], "the outbox was told at once"


async def test_read_again_or_told_more_it_is_sent_once(hub: Sources) -> None:
    await hub.county.submit(scored())
    hub.bins.say(BIN_TWO)
    await hub.pull("bins")
    hub.bins.say(BIN_TWO | {"level": "poor"})
    await hub.pull("bins")
    await hub.pull("bins", from_start=True)
    assert len(await at_bins(hub)) == 1


async def test_a_code_that_moves_here_brings_it_too(hub: Sources) -> None:
    """The bin stood at another house; what is done at this one from then on, and before, is scored there."""
    hub.doors.say(DOOR | {"door": "D-9", "address": "幸福路9号"})
    hub.bins.say(BIN_TWO | {"door": "D-9"})
    await hub.pull("doors", "bins")
    await hub.county.submit(scored())
    assert await at_bins(hub) == []
    hub.bins.say(BIN_TWO)
    await hub.pull("bins")
    assert len(await at_bins(hub)) == 1


async def test_the_content_is_that_of_the_newest_revision(hub: Sources) -> None:
    first = await hub.county.submit(scored())
    await hub.county.correct(first, visit(place="D-2", answers={"bin": BIN | {"bin.sorting": "poor"}}))
    hub.bins.say(BIN_TWO)
    await hub.pull("bins")
    ((state, revision, payload),) = await at_bins(hub)
    assert (state, revision) == ("waiting", 2)
    assert '"sorting":"poor"' in payload


async def test_what_was_taken_back_is_not_sent(hub: Sources) -> None:
    first = await hub.county.submit(scored())
    await take_back(hub.county, first)
    hub.bins.say(BIN_TWO)
    await hub.pull("bins")
    assert await at_bins(hub) == []


async def test_what_lies_back_longer_than_a_month_is_left(hub: Sources, clock: HandClock) -> None:
    await hub.county.submit(scored())
    clock.tick(seconds=(LOOK_BACK + timedelta(minutes=1)).total_seconds())
    hub.bins.say(BIN_TWO)
    await hub.pull("bins")
    assert await at_bins(hub) == []


async def test_what_the_wiring_decided_then_stays(hub: Sources) -> None:
    """Only what became known makes the difference: a flow that has been changed since reaches back to nothing."""
    await hub.county.submit(scored())
    flows = hub.county.intake.rules.registry.flows["bin_score/v1"]
    looser = tuple(replace(flow, matches=lambda _: True) for flow in flows)
    registry = replace(hub.county.intake.rules.registry, flows={"bin_score/v1": looser})
    rules = replace(hub.county.intake.rules, registry=registry)
    hub.pulls = replace(hub.pulls, after=After(partial(look_again, rules), hub.county.intake.outbox.ring))
    hub.bins.say(BIN_TWO)
    await hub.pull("bins")
    assert await at_bins(hub) == []


async def test_a_score_at_another_house_waits_on(hub: Sources) -> None:
    hub.doors.say(DOOR | {"door": "D-9", "address": "幸福路9号", "village": SIBLING})
    await hub.pull("doors")
    await hub.county.submit(scored())
    hub.bins.say(BIN_TWO | {"door": "D-9"})
    await hub.pull("bins")
    assert await at_bins(hub) == []
    (skip,) = await hub.county.rows(Skip, system="bins", flow="bin_score")
    (record,) = await hub.county.rows(Record, record="bin_score/v1")
    assert skip.waits_at == record.place_id


async def test_in_an_ordered_flow_it_waits_for_its_turn(hub: Sources) -> None:
    """Two scores of one house, both skipped: they go one after the other."""
    await hub.county.submit(scored())
    await hub.county.submit(scored())
    hub.bins.say(BIN_TWO)
    await hub.pull("bins")
    first, second = await hub.county.rows(Delivery, system="bins", flow="bin_score")
    assert (first.after_id, second.after_id) == (None, first.id)
    assert (first.due_at is None, second.due_at) == (False, None)


async def test_a_system_that_has_an_earlier_revision_is_left_to_corrections(hub: Sources) -> None:
    hub.bins.say(BIN_TWO)
    await hub.pull("bins")
    first = await hub.county.submit(scored())
    change = update(Delivery).where(col(Delivery.system) == "bins").values(state=State.DELIVERED, due_at=None)
    await hub.county.store.write(lambda session: session.connection().execute(change) and None)
    hub.bins.drop("B-2")
    await hub.pull("bins", believing=True)
    await hub.county.correct(first, scored())
    hub.bins.say(BIN_TWO)
    await hub.pull("bins")
    assert [(state, revision) for state, revision, _ in await at_bins(hub)] == [("delivered", 1), ("waiting", 2)]
    (_, taken_back) = await hub.county.rows(Delivery, system="bins", flow="bin_score")
    assert taken_back.intent == "withdraw"
