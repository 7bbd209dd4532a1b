"""The hub goes on from an old copy: old keys where keys are honoured, and nothing sent blindly elsewhere (F26)."""

from collections import Counter
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from sqlmodel import Session

from hub.errors import Problem
from hub.model import Epoch
from hub.model.delivery import ENDED, State, may_move
from hub.outbox.claim import claim_due
from hub.outbox.epoch import Reckoned, reckon
from hub.outbox.epoch.decide import Change, after_restore
from hub.sdk import Capabilities, Receipt, Unavailable
from hub.store import Store, open_store
from hub.store.backup import restore_copy, take_copy
from hub.store.query.journal import latest_epoch
from tests.builders import AT, HONOURS, NEITHER, PROBES, World
from tests.conftest import HandClock

SYSTEMS = {"keyed": HONOURS, "asked": PROBES, "blind": NEITHER}
PUSHES = {State.WAITING, State.RETRY}


def put_back(url: str, data: Path, file: Path, *, force: bool = True) -> Reckoned:
    """Restore with the Systems of this test, of which "gone" is wired no more."""
    found: list[Reckoned] = []

    def settle(session: Session, epoch: Epoch) -> None:
        found.append(reckon(session, epoch, lambda name: SYSTEMS.get(name, Capabilities(honours_key=False))))

    restore_copy(url, data, file, settle, at=AT, force=force)
    return found[0]


@pytest.mark.fault("F26")
@pytest.mark.parametrize("can", SYSTEMS.values(), ids=SYSTEMS)
def test_no_case_is_sent_blindly_and_every_move_is_legal(can: Capabilities) -> None:
    cases = 0
    for state, held, probing, transported in product(set(State) - ENDED, *[(False, True)] * 3):
        change = after_restore(state, can, held=held, probing=probing, transported=transported)
        after = change.state if change else state
        assert after is state or may_move(state, after)
        assert can.honours_key or after not in PUSHES
        assert after is not State.LEASED
        if after in PUSHES:
            assert change is not None
            assert change.repeat
        cases += 1
    assert cases == 7 * 8


@pytest.mark.fault("F26")
def test_one_that_waits_its_turn_is_left_to_a_person_even_where_it_could_be_asked() -> None:
    asked = after_restore(State.WAITING, PROBES, held=False, probing=False, transported=False)
    held = after_restore(State.WAITING, PROBES, held=True, probing=False, transported=False)
    assert asked == Change(State.UNKNOWN, due=True, repeat=True, told=True)
    assert held == Change(State.UNKNOWN, due=False, repeat=True, told=True)


async def an_hour(store: Store, clock: HandClock, copy: Path, url: str) -> tuple[World, dict[str, str]]:
    """Owe, copy, then deliver everything, so that the copy is out of date; return what was owed to whom."""
    world = World(store, clock)
    for name, can in SYSTEMS.items():
        world.use(can, name)
    owed = {name: (await world.owe(system=name))[0] for name in SYSTEMS}
    retried = (await world.owe(system="blind"))[0]
    world.systems["blind"].on_push = [Receipt("first"), Unavailable("down")]
    first_delivered = (await world.owe(system="keyed"))[0]
    world.systems["keyed"].on_push = [Unavailable("down"), Receipt("early")]
    owed |= {"blind again": retried, "keyed early": first_delivered}
    owed["gone"] = (await world.owe(system="gone"))[0]
    take_copy(url, copy.parent / "data", copy, clock.now())
    await world.drain()
    await world.drain(hours=1)
    states = await world.states()
    assert {states[delivery_id] for name, delivery_id in owed.items() if name != "gone"} == {State.DELIVERED}
    return world, owed


@pytest.mark.fault("F26")
async def test_what_the_copy_calls_waiting_is_not_sent_twice(
    database_url: str, tmp_path: Path, clock: HandClock
) -> None:
    store = open_store(database_url)
    before, owed = await an_hour(store, clock, tmp_path / "copy.zip", database_url)
    await store.close()
    found = put_back(database_url, tmp_path / "data", tmp_path / "copy.zip")
    assert found == Reckoned(
        again=Counter(keyed=2), asked=Counter(asked=1), by_person=Counter(blind=2, gone=1)
    )  # fmt: skip
    store = open_store(database_url)
    after = World(store, clock)
    for name, can in SYSTEMS.items():
        after.use(can, name)
    after.systems["asked"].on_probe = [Receipt("it was there")]
    for _ in range(3):
        await after.drain(hours=1)
    sent = {(one.key, one.payload) for one in before.systems["keyed"].pushed}
    again = {(one.key, one.payload) for one in after.systems["keyed"].pushed}
    assert (again, len(again)) == (sent, 2), "old keys, old bytes"
    asked, blind = after.systems["asked"], after.systems["blind"]
    assert (asked.pushed, blind.pushed, len(asked.probed)) == ([], [], 1)
    rows = {name: await after.get(delivery_id) for name, delivery_id in owed.items()}
    assert {name: row.state for name, row in rows.items()} == {
        "keyed": "delivered", "keyed early": "delivered", "asked": "delivered",
        "blind": "unknown", "blind again": "unknown", "gone": "unknown",
    }  # fmt: skip
    assert all(row.repeat for row in rows.values())
    assert "may have been sent after it was taken" in rows["blind"].reason
    assert rows["asked"].remote_id == "it was there"
    epoch = await store.read(latest_epoch)
    assert epoch is not None
    assert (epoch.number, epoch.copied_at) == (2, AT)
    assert [(action, subject) for _, action, subject, _ in await after.journal()] == [("hub.restored", epoch.id)]
    await store.close()


@pytest.mark.fault("F26")
async def test_a_second_restore_begins_a_third_epoch(database_url: str, tmp_path: Path, clock: HandClock) -> None:
    for number in (1, 2):
        file = tmp_path / f"copy{number}.zip"
        assert take_copy(database_url, tmp_path / "data", file, AT).epoch == number
        put_back(database_url, tmp_path / "data", file)
    store = open_store(database_url)
    epoch = await store.read(latest_epoch)
    assert epoch is not None
    assert epoch.number == 3
    await store.close()


@pytest.mark.fault("F26")
async def test_what_was_under_way_or_waits_behind_is_settled_too(
    database_url: str, tmp_path: Path, clock: HandClock
) -> None:
    """Leases of a copy are nobody's: nothing may wait for them to run out."""
    store = open_store(database_url)
    world = World(store, clock)
    first = {name: (await world.owe(system=name))[0] for name in SYSTEMS}
    behind = {name: await world.next_revision(delivery_id) for name, delivery_id in first.items()}
    wanted = {name: (1, timedelta(seconds=30)) for name in SYSTEMS}
    assert len(await store.write(lambda session: claim_due(session, wanted, clock.now()))) == 3
    take_copy(database_url, tmp_path / "data", tmp_path / "copy.zip", clock.now())
    await store.close()
    put_back(database_url, tmp_path / "data", tmp_path / "copy.zip")
    store = open_store(database_url)
    world = World(store, clock)
    states = {name: (await world.get(first[name]), await world.get(behind[name])) for name in SYSTEMS}
    assert {name: (one.state, two.state) for name, (one, two) in states.items()} == {
        "keyed": ("retry", "waiting"), "asked": ("unknown", "unknown"), "blind": ("unknown", "unknown"),
    }  # fmt: skip
    assert {name: (one.due_at, two.due_at) for name, (one, two) in states.items()} == {
        "keyed": (AT, None), "asked": (AT, None), "blind": (None, None),
    }  # fmt: skip
    assert {attempt.outcome for name in SYSTEMS for attempt in await world.attempts(first[name])} == {"lost"}
    await store.close()


@pytest.mark.fault("F26")
async def test_what_holds_something_or_is_in_use_is_refused(
    database_url: str, tmp_path: Path, clock: HandClock
) -> None:
    store = open_store(database_url)
    world = World(store, clock)
    await world.owe()
    take_copy(database_url, tmp_path / "data", tmp_path / "copy.zip", AT)
    after = await world.owe()
    with pytest.raises(Problem) as caught:
        put_back(database_url, tmp_path / "data", tmp_path / "copy.zip")
    assert caught.value.code in {"store.held", "restore.in_use"}
    await store.close()
    with pytest.raises(Problem, match=r"restore\.not_empty"):
        put_back(database_url, tmp_path / "data", tmp_path / "copy.zip", force=False)
    store = open_store(database_url)
    assert after[0] in await World(store, clock).states(), "a refused restore changes nothing"
    await store.close()


@pytest.mark.fault("F26")
async def test_a_restore_that_fails_half_way_changes_nothing(
    database_url: str, tmp_path: Path, clock: HandClock
) -> None:
    store = open_store(database_url)
    await World(store, clock).owe()
    take_copy(database_url, tmp_path / "data", tmp_path / "copy.zip", AT)
    after = await World(store, clock).owe()
    await store.close()

    def fail(_session: Session, _epoch: Epoch) -> None:
        raise RuntimeError("the machine was switched off")

    with pytest.raises(RuntimeError):
        restore_copy(database_url, tmp_path / "data", tmp_path / "copy.zip", fail, at=AT, force=True)
    store = open_store(database_url)
    assert after[0] in await World(store, clock).states()
    assert await store.read(latest_epoch) is None
    await store.close()


async def test_the_old_sqlite_file_stays_beside(sqlite_template: bytes, tmp_path: Path, clock: HandClock) -> None:
    file = tmp_path / "hub.db"
    file.write_bytes(sqlite_template)
    url = f"sqlite:///{file}"
    take_copy(url, tmp_path / "data", tmp_path / "copy.zip", AT)
    store = open_store(url)
    after = await World(store, clock).owe()
    await store.close()
    put_back(url, tmp_path / "data", tmp_path / "copy.zip")
    store = open_store(f"sqlite:///{tmp_path}/hub.db.replaced")
    assert list(await World(store, clock).states()) == after
    await store.close()
