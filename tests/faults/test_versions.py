"""New versions of the hub, of a form and of the wiring, with work under way: it ends as it was begun."""

import asyncio
import base64
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import select

from hub.app import load_files
from hub.errors import Problem
from hub.intake.plan import Rules
from hub.model import Account, Delivery, Submission
from hub.model.delivery import ENDED, State
from hub.outbox.hand import confirm, replay
from hub.sdk import Receipt
from hub.settings import Settings
from hub.store import Store, open_store
from hub.store.engine import open_writing
from hub.store.migrate import is_current, migrate
from tests.builders import HONOURS, LATER, PROBES, World, watch_moves
from tests.conftest import HandClock
from tests.faults.released import REVISIONS, load
from tests.some_connectors.county import ROOT, County, visit


@pytest.mark.fault("F23")
@pytest.mark.parametrize("revision", REVISIONS)
async def test_what_a_released_version_left_in_any_state_comes_to_its_end(
    empty_url: str, revision: str, clock: HandClock
) -> None:
    engine = open_writing(empty_url)
    rows = load(engine, revision)
    engine.dispose()
    before = {row["id"]: row for row in rows["delivery"]}
    assert {row["state"] for row in before.values()} == set(State)
    await asyncio.to_thread(migrate, empty_url)
    store = open_store(empty_url)
    assert await store.write(lambda session: is_current(session.connection()))
    illegal = await watch_moves(store)
    world = World(store, clock)
    world.author = (await store.read(lambda s: s.exec(select(Account)).all()))[0]
    for name, capabilities in {"north": HONOURS, "east": PROBES, "later": LATER}.items():
        world.use(capabilities, name)
    world.systems["later"].on_probe = [Receipt("L-1")]
    world.systems["east"].on_probe = [Receipt("E-1"), None]
    await settle(world)
    rest = await world.all(Delivery)
    assert {row.id: (row.key, row.payload, row.digest) for row in rest} == {
        row["id"]: (row["key"], base64.b64decode(row["payload"]), row["digest"]) for row in before.values()
    }
    assert {State(row.state) for row in rest} == ENDED
    sent = [one.key for system in world.systems.values() for one in system.pushed]
    assert len(sent) == len(set(sent)), "nothing is sent twice"
    over = {row["key"] for row in before.values() if row["state"] in {*ENDED, State.TRANSPORTED, State.MANUAL}}
    assert not over & set(sent)
    assert await illegal() == set()
    await store.close()


async def settle(world: World) -> None:
    """Let the engine work for a day, then let a person decide what is left to one."""
    world.clock.tick(minutes=1)
    assert await world.engine().recovery.reap() == 2
    for _ in range(3):
        await world.drain(hours=6)
    by_state = {State(row.state): row.id for row in await world.all(Delivery) if row.state not in ENDED}
    by_state.pop(State.WAITING)  # held behind the parked one
    assert set(by_state) == {State.PARKED, State.MANUAL}
    await world.store.write(lambda s: confirm(s, by_state[State.MANUAL], world.deed(), "M-1"))
    assert await world.store.write(lambda s: replay(s, [by_state[State.PARKED]], world.deed())) == [
        by_state[State.PARKED]
    ]
    for _ in range(3):
        await world.drain(hours=1)


# --- F24: a form gets its next version --------------------------------------------------------------------------------


SECOND = {
    "  - visit.summary: {optional: true}": "  - visit.summary",
    "      visit.purpose: safety": "      visit.purpose: safety\n      visit.summary: 看过线路。",
}
"""What the second version changes: it wants the summary, in its example too."""


@pytest.fixture
def newer(tmp_path: Path) -> Rules:
    """The county's files with a second version of the visit, which wants a summary."""
    for folder in ("forms", "schemas"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    form = (tmp_path / "forms/visit/v1.yaml").read_text(encoding="utf-8")
    for old, new in SECOND.items():
        assert form.count(old) == 1
        form = form.replace(old, new)
    (tmp_path / "forms/visit/v2.yaml").write_text(form, encoding="utf-8")
    settings = Settings(
        profile="test", home=tmp_path, connectors_file=ROOT / "tests/some_connectors/connectors.yaml",
        connector_packages=("tests.some_connectors",), data_dir=tmp_path,
    )  # fmt: skip
    return Rules(*load_files(settings, lambda _: None))


@pytest.mark.fault("F24")
async def test_a_phone_that_queued_the_old_version_is_heard_under_it(
    store: Store, clock: HandClock, newer: Rules
) -> None:
    county = await County(store, clock).settle()
    with pytest.raises(Problem) as caught:
        await county.submit(visit(version=2))
    assert caught.value.faults[0].code == "form_unknown"
    queued = [visit() for _ in range(5)]
    await county.submit(queued[0])
    county.intake = replace(county.intake, rules=newer)
    assert newer.catalog.form("visit", 2) is not None
    for body in queued:
        await county.submit(body)
    with pytest.raises(Problem) as caught:
        await county.submit(visit(version=2))
    assert [fault.path for fault in caught.value.faults] == ["/answers/visit.summary"]
    await county.submit(visit(version=2, answers={"visit.summary": "都好"}))
    assert sorted(row.form_version for row in await county.rows(Submission)) == [1] * 5 + [2]
    assert len(await county.rows(Delivery)) == 12


# --- F67: the wiring changes with work pending ------------------------------------------------------------------------


@pytest.mark.fault("F67")
async def test_a_system_changed_or_away_from_the_wiring_gets_what_was_made_for_it(world: World) -> None:
    ids = await world.owe(3)
    made = {row.key: row.payload for row in await world.all(Delivery)}
    old = world.lines.pop("north")
    await world.drain(hours=1)
    assert set((await world.states()).values()) == {State.WAITING}
    world.lines["north"] = old
    new = world.use(HONOURS, per_second=5_000)
    await world.drain(hours=1)
    assert {one.key: one.payload for one in new.pushed} == made
    assert await world.states() == dict.fromkeys(ids, State.DELIVERED)
