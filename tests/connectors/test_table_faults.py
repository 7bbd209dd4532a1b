"""Exchange tables that go wrong, end to end: a real connector and the outbox before a database that loses and lies."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from statistics import median

import psycopg
import pytest

from hub.model.delivery import State
from hub.outbox.capacity import Line
from hub.sdk import Misconfigured, Refused, Unanswered, Unavailable
from tests.builders import World
from tests.connectors.system import about, outgoing
from tests.connectors.table_twin import Exchange, Message, Side, exchanging, messages
from tests.store.conftest import world

__all__ = ["world"]
PAYLOAD = {"title": "茗田社区分类投放点改造", "amount": 82.5}
PROPERLY = "k00000:system:1"
WAITING = "SELECT count(*) AS n FROM pg_stat_activity WHERE usename = 'hub_twin' AND wait_event_type = 'Lock'"
STRIDE = int(os.environ.get("TABLE_CUTS_EVERY", "0"))
"""Cut at every so many bytes besides; 1 cuts at every byte there is, which takes half an hour."""
pytestmark = pytest.mark.fault("F64")


@pytest.fixture
async def exchange(postgres_server: str) -> AsyncIterator[Exchange]:
    async with exchanging(postgres_server) as made:
        yield made


async def push(
    exchange: Exchange, key: str = PROPERLY, operation_s: float = 20, connect_s: float = 5, **changed: object
) -> bool:
    """Push the sample through a door of its own; whether it was there already."""
    connector = exchange.connector(operation_s, connect_s)
    receipt = await connector.push(outgoing("progress", {**PAYLOAD, **changed}, key))
    assert not receipt.accepted
    return receipt.repeated


async def recorded(exchange: Exchange) -> dict[Side, list[Message]]:
    """The messages of a push that goes well; every push of a key as long has as many bytes."""
    assert not await push(exchange)
    found: dict[Side, list[Message]] = {}
    for side in ("sent", "answered"):
        stream = bytes(exchange.twin.passed[side])
        found[side] = list(messages(stream, opening=side == "sent"))
        assert found[side][-1].end == len(stream)
    assert [row["id"] for row in await exchange.rows()] == [PROPERLY]
    return found


def commit_of(sent: list[Message]) -> Message:
    """The one message that makes a row stay."""
    (commit,) = [message for message in sent if message.body.upper().startswith(b"COMMIT")]
    return commit


def places(found: list[Message], decisive: Message) -> list[int]:
    """Where to cut a stream: at the start or in the middle of each message in turn, and all over the decisive one."""
    within = {(m.start, (m.start + m.end) // 2)[n % 2] for n, m in enumerate(found)}
    besides = range(0, found[-1].end, STRIDE) if STRIDE else ()
    return sorted(within | {*range(decisive.start, decisive.end + 1), *besides})


async def cut_everywhere(exchange: Exchange, side: Side, found: list[Message], decisive: Message) -> set[str]:
    """Cut a push at each place; see that what is said is true, and that doing the same again mends it."""
    said: dict[str, str] = {}
    for number, at in enumerate(places(found, decisive), 1):
        key = f"k{number:05}:system:1"
        exchange.twin.fail("cut", side, at)
        try:
            await push(exchange, key)
            said[key] = "delivered"
        except (Unavailable, Unanswered) as failure:
            said[key] = type(failure).__name__
        # What the hub sends is cut before its next byte, what it is answered after the hub has sent what that is to.
        later = int(side == "sent")
        first, last = decisive.start + later, decisive.end + later
        expected = "Unavailable" if at < first else "Unanswered" if at < last else "delivered"
        assert said[key] == expected, f"{side} cut at {at}"
    exchange.twin.fail("")
    there = {row["id"] for row in await exchange.rows()}
    assert there & {key for key, verdict in said.items() if verdict == "Unavailable"} == set()
    connector = exchange.connector()
    for key in (key for key, verdict in said.items() if verdict != "Unavailable"):
        assert (await connector.probe(about(key)) is not None) == (key in there)
        assert (await connector.push(outgoing("progress", PAYLOAD, key))).repeated == (key in there)
    assert len(await exchange.rows()) == 1 + sum(verdict != "Unavailable" for verdict in said.values())
    return set(said.values())


# --- the line breaks --------------------------------------------------------------------------------------------------


@pytest.mark.timeout(3600 if STRIDE else 120)
async def test_cut_in_any_message_the_hub_sends_it_knows_what_it_knows(exchange: Exchange) -> None:
    sent = (await recorded(exchange))["sent"]
    said = await cut_everywhere(exchange, "sent", [m for m in sent if m.kind != b"X"], commit_of(sent))
    assert said == {"Unavailable", "Unanswered"}


@pytest.mark.timeout(3600 if STRIDE else 120)
async def test_cut_in_any_answer_it_knows_what_it_knows(exchange: Exchange) -> None:
    answered = (await recorded(exchange))["answered"]
    last, ready = answered[-2:]
    assert (last.body, ready.kind) == (b"COMMIT\0", b"Z")
    said = await cut_everywhere(exchange, "answered", answered, Message(last.start, ready.end, b"", b""))
    assert said == {"Unavailable", "Unanswered", "delivered"}


async def test_a_commit_whose_answer_is_lost_is_found_and_not_made_twice(exchange: Exchange) -> None:
    sent, untroubled = (await recorded(exchange))["sent"], exchange.connector()
    for number in range(1, 31):
        key = f"k{number:05}:system:1"
        exchange.twin.fail("cut", "sent", commit_of(sent).end)
        with pytest.raises(Unanswered):
            await push(exchange, key)
        exchange.twin.fail("")
        assert (await untroubled.push(outgoing("progress", PAYLOAD, key, attempt=2))).repeated
        undecided = await untroubled.probe(about(key))
        assert undecided is not None
        assert not undecided.accepted
    assert len(await exchange.rows()) == 31


@pytest.mark.parametrize("side", ["sent", "answered"])
async def test_a_server_that_falls_silent_at_any_message_holds_nobody_up(exchange: Exchange, side: Side) -> None:
    found = await recorded(exchange)
    commit = commit_of(found["sent"])
    last = found["answered"][-2]
    decisive = commit.start if side == "sent" else last.start
    before = [message.start for message in found[side] if message.start < decisive]
    await exchange.do("TRUNCATE {t}")
    for number, at in enumerate([*before[:: len(before) // 10], decisive], 1):
        exchange.twin.fail("hang", side, at)
        within_s = 2.0 if at == decisive else 0.25  # a busy machine, too, must come as far as the decisive message
        begun = time.monotonic()
        with pytest.raises(Unanswered if at == decisive else Unavailable, match=r"in time|no connection"):
            await push(exchange, f"k{number:05}:system:1", operation_s=within_s, connect_s=within_s)
        assert time.monotonic() - begun < within_s + 2.75
    assert len(await exchange.rows()) == (1 if side == "answered" else 0)


async def test_who_stops_waiting_is_free_at_once_and_leaves_no_row(exchange: Exchange) -> None:
    """The outbox ends an attempt by cancelling it; this driver would first ask the silent server to agree."""
    found = await recorded(exchange)
    await exchange.do("TRUNCATE {t}")
    waits = []
    for number, message in enumerate(found["sent"][1::2], 1):
        exchange.twin.fail("hang", "sent", message.start)
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await push(exchange, f"k{number:05}:system:1")
        waits.append(time.monotonic() - begun)
    assert median(waits) < 2  # a busy machine holds up one of them, that driver each
    assert await exchange.rows() == []


async def test_nobody_listening_and_too_many_there_are_tried_again(exchange: Exchange) -> None:
    await exchange.do("ALTER ROLE hub_twin CONNECTION LIMIT 0")
    try:
        with pytest.raises(Unavailable, match="too many connections"):
            await push(exchange)
    finally:
        await exchange.do("ALTER ROLE hub_twin CONNECTION LIMIT -1")
    exchange.twin.path = "/nowhere"
    with pytest.raises(Unavailable, match="no connection"):
        await push(exchange)


async def test_a_lock_somebody_else_holds_is_waited_for_only_so_long(exchange: Exchange) -> None:
    with psycopg.connect(f"host={exchange.socket} user=postgres dbname={exchange.database}") as other:
        other.execute(f"LOCK TABLE {exchange.table} IN EXCLUSIVE MODE")
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="LockNotAvailable"):
            await push(exchange, operation_s=1)
        assert time.monotonic() - begun < 2
    assert await exchange.do(WAITING) == [{"n": 0}]
    assert await exchange.rows() == []
    assert not await push(exchange)


async def test_a_twin_of_it_that_is_still_under_way_is_waited_for(exchange: Exchange) -> None:
    """An earlier try's COMMIT may come later than the next try: the unique key holds it back until that is settled."""
    sent = (await recorded(exchange))["sent"]
    await exchange.do("TRUNCATE {t}")
    exchange.twin.fail("hang", "sent", commit_of(sent).start)
    first = asyncio.create_task(push(exchange))
    async with asyncio.timeout(20):
        await exchange.twin.fell_silent.wait()
    exchange.twin.fail("")
    held = tuple(exchange.twin.carrying)
    second = asyncio.create_task(push(exchange))
    async with asyncio.timeout(20):
        while await exchange.do(WAITING) == [{"n": 0}]:
            assert not second.done()
            await asyncio.sleep(0.01)
    assert not second.done()
    for direction in held:
        direction.cancel()
    with pytest.raises(Unanswered):
        await first
    assert not await second
    assert len(await exchange.rows()) == 1


# --- credentials and rights -------------------------------------------------------------------------------------------


async def test_credentials_rights_and_names_are_a_person_s_to_mend(exchange: Exchange) -> None:
    for changed, words in (
        ({"password": "guessed"}, "password authentication failed"),
        ({"user": "nobody_known"}, "pg_hba|does not exist"),
        ({"url": f"postgresql://127.0.0.1:{exchange.twin.port}/nowhere"}, '"nowhere" does not exist'),
        ({"table": "nowhere"}, "there is no table nowhere"),
    ):
        for act in (
            lambda c: c.check(),
            lambda c: c.probe(about(PROPERLY)),
            lambda c: c.push(outgoing("progress", PAYLOAD)),
        ):
            with pytest.raises(Misconfigured, match=words) as stopped:
                await act(exchange.connector(**changed))
            assert "guessed" not in stopped.value.reason
    for right in ("INSERT", "SELECT"):
        await exchange.do(f"REVOKE {right} ON {{t}} FROM hub_twin")
        for act in (lambda c: c.check(), lambda c: c.push(outgoing("progress", PAYLOAD))):
            with pytest.raises(Misconfigured, match="permission denied"):
                await act(exchange.connector())
        await exchange.do(f"GRANT {right} ON {{t}} TO hub_twin")
    assert await exchange.rows() == []


# --- the table drifts -------------------------------------------------------------------------------------------------

GENERATED = """ALTER TABLE {t} ADD COLUMN n int DEFAULT 1, DROP COLUMN amount,
               ADD COLUMN amount numeric GENERATED ALWAYS AS (n) STORED"""


@pytest.mark.parametrize(
    ("drift", "words"),
    [
        ("ALTER TABLE {t} DROP COLUMN amount", "the column amount is gone"),
        ("ALTER TABLE {t} RENAME COLUMN title TO topic", "the column title is gone"),
        ("ALTER TABLE {t} DROP COLUMN sync_msg", "the column sync_msg is gone"),
        ("ALTER TABLE {t} ALTER COLUMN title TYPE varchar(10)", "title takes 10 characters, 40 were agreed"),
        ("ALTER TABLE {t} ADD COLUMN office varchar(9) NOT NULL", "office must be filled and nothing is sent"),
        ("ALTER TABLE {t} DROP CONSTRAINT {t}_pkey", "id is not unique by itself"),
        ("ALTER TABLE {t} DROP CONSTRAINT {t}_pkey, ADD PRIMARY KEY (id, op)", "id is not unique by itself"),
        ("ALTER TABLE {t} ALTER COLUMN op TYPE int USING 1", "op must hold text"),
        (GENERATED, "amount"),
        ("DROP TABLE {t}", "there is no table"),
    ],
)
async def test_a_table_that_drifts_stops_the_system_and_names_the_column(
    exchange: Exchange, drift: str, words: str
) -> None:
    await exchange.do(drift)
    connector = exchange.connector()
    for act in (connector.check, lambda: connector.push(outgoing("progress", PAYLOAD))):
        with pytest.raises(Misconfigured, match=words):
            await act()
    if not drift.startswith("DROP"):
        assert await exchange.rows() == []


async def test_a_table_that_drifts_while_a_row_is_on_its_way_stops_the_system_too(exchange: Exchange) -> None:
    """What the look at the table did not see yet, the insert is told."""
    connector = exchange.connector()
    async with exchange.door().open(exchange.address) as session:
        shape = await session.look(exchange.table)
        with psycopg.connect(f"host={exchange.socket} user=postgres dbname={exchange.database}", autocommit=True):
            await session._connection.rollback()
            await exchange.do("ALTER TABLE {t} DROP COLUMN amount")
        with pytest.raises(Misconfigured, match='column "amount"'):
            await session.put(shape, "id", {"id": "a", "op": "I", "title": "b", "sync_flag": 0, "amount": 1})
    assert await exchange.rows() == []
    with pytest.raises(Misconfigured, match="amount is gone"):
        await connector.probe(about(PROPERLY))


# --- values that change on the way ------------------------------------------------------------------------------------

TRIGGER = """
CREATE FUNCTION {t}_spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN %s; RETURN NEW; END $$;
CREATE TRIGGER spoil BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {t}_spoil();
"""


@pytest.mark.parametrize(
    ("spoiling", "words"),
    [
        (TRIGGER % "NEW.title = left(NEW.title, 5)", "title: text of 11 characters was given, text of 5 characters"),
        (TRIGGER % "NEW.title = NEW.title || '  '", "title: .* text of 13 characters with blanks at its end is there"),
        (TRIGGER % "NEW.title = replace(NEW.title, '茗', '?')", "title: .*, another text of 11 characters is there"),
        (TRIGGER % "NEW.title = ''", "title: .*, text of 0 characters is there"),
        (TRIGGER % "NEW.amount = NULL", "amount: a number was given, nothing is there"),
        (TRIGGER % "NEW.amount = NEW.amount + 0.01", "amount: a number was given, another a number is there"),
        (TRIGGER % "NEW.sync_flag = 1", "sync_flag: a number was given"),
        ("ALTER TABLE {t} ALTER COLUMN title TYPE char(40)", "title: .* with blanks at its end"),
        ("ALTER TABLE {t} ALTER COLUMN amount TYPE numeric(8, 0)", "amount: a number was given"),
        ("ALTER TABLE {t} ALTER COLUMN amount TYPE int", "amount: a number was given"),
    ],
)
async def test_a_value_that_comes_back_otherwise_is_never_delivered(
    exchange: Exchange, spoiling: str, words: str
) -> None:
    await exchange.do(spoiling)
    with pytest.raises(Refused, match=words) as no:
        await push(exchange)
    assert (no.value.code, await exchange.rows()) == ("CHANGED", [])
    assert not [value for value in PAYLOAD.values() if str(value) in no.value.reason], "no values, they may be personal"


async def test_a_value_its_column_cannot_hold_is_refused_without_telling_it(exchange: Exchange) -> None:
    with pytest.raises(Refused, match=r"NumericValueOutOfRange$"):
        await push(exchange, amount=987654321)
    await exchange.do("ALTER TABLE {t} ADD CONSTRAINT nobody CHECK (length(title) < 3)")
    with pytest.raises(Refused, match=r'"nobody"$'):
        await push(exchange)
    assert await exchange.rows() == []


@pytest.mark.parametrize("taking_away", ["RETURN NULL", "NEW.id = 'x'"])
async def test_a_row_that_does_not_stay_stops_the_system(exchange: Exchange, taking_away: str) -> None:
    await exchange.do(TRIGGER % taking_away)
    with pytest.raises(Misconfigured, match="the row did not stay"):
        await push(exchange)
    assert await exchange.rows() == []


async def test_a_no_of_the_system_s_own_is_told_in_its_words(exchange: Exchange) -> None:
    await exchange.do(TRIGGER % "RAISE EXCEPTION '本月已锁定'")
    with pytest.raises(Refused, match=r"^本月已锁定$"):
        await push(exchange)
    await exchange.do("DROP TRIGGER spoil ON {t}; ALTER TABLE {t} ADD CHECK (amount < 5)")
    with pytest.raises(Refused, match="amount_check"):
        await push(exchange)
    assert await exchange.rows() == []


async def test_a_constraint_that_speaks_at_commit_is_heard(exchange: Exchange) -> None:
    """An error is a complete answer too, and says that nothing was kept."""
    await exchange.do(
        """CREATE FUNCTION {t}_late() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION '年度已关账'; END $$;
           CREATE CONSTRAINT TRIGGER late AFTER INSERT ON {t} DEFERRABLE INITIALLY DEFERRED
           FOR EACH ROW EXECUTE FUNCTION {t}_late()"""
    )
    with pytest.raises(Refused, match="年度已关账"):
        await push(exchange)
    assert await exchange.rows() == []


async def test_the_same_key_with_other_content_is_an_error(exchange: Exchange) -> None:
    assert not await push(exchange)
    assert await push(exchange)
    await exchange.do("UPDATE {t} SET sync_flag = 1, sync_msg = 'ok'")
    assert await push(exchange), "what the System has said since is no difference"
    with pytest.raises(Refused, match="another row has this key; amount: a number was given") as no:
        await push(exchange, amount=7)
    assert no.value.code == "CONFLICT"
    await exchange.do("UPDATE {t} SET title = 'x'")
    with pytest.raises(Refused, match="another row has this key; title"):
        await push(exchange)
    await exchange.do("ALTER TABLE {t} ADD UNIQUE (title)")
    await exchange.do("UPDATE {t} SET title = %s", PAYLOAD["title"])
    with pytest.raises(Refused, match="what must be unique") as no:
        await push(exchange, "k00001:system:1")
    assert no.value.code == "TAKEN"


@pytest.mark.fault("F65")
async def test_a_character_the_database_does_not_have_is_named_and_never_replaced(postgres_server: str) -> None:
    async with exchanging(postgres_server, "EUC_CN") as gbk:
        assert not await push(gbk)
        for character in "𠮷㙦€":
            with pytest.raises(Refused, match=rf"^title: U\+{ord(character):04X} cannot be kept in EUC_CN") as no:
                await push(gbk, "k00001:system:1", title=f"茗田{character}社区")
            assert no.value.code == "CHARACTER"
        assert [row["title"] for row in await gbk.rows()] == [PAYLOAD["title"]]


@pytest.mark.fault("F65")
async def test_what_a_database_has_survives_and_what_none_has_is_refused(exchange: Exchange) -> None:
    assert not await push(exchange, title="𠮷㙦€ 'x' %s \\ ;--")
    assert [row["title"] for row in await exchange.rows()] == ["𠮷㙦€ 'x' %s \\ ;--"]
    for character, name in (("\0", "U+0000"), ("\ud83d", "U+D83D")):
        given = replace(outgoing("progress", {}, "k00001:system:1"), payload=json.dumps({"title": character}).encode())
        with pytest.raises(Refused, match=rf"title: {name.replace('+', '.')} cannot be kept") as no:
            await exchange.connector().push(given)
        assert no.value.code == "CHARACTER"


# --- through the outbox -----------------------------------------------------------------------------------------------


async def test_a_lost_commit_ends_delivered_with_one_row(world: World, exchange: Exchange) -> None:
    sent = (await recorded(exchange))["sent"]
    await exchange.do("TRUNCATE {t}")
    (one,) = await world.owe(payload=json.dumps(PAYLOAD).encode())
    world.lines["north"] = Line(exchange.connector(), 1, 1_000, timedelta(seconds=10))
    # The key of this delivery is longer than the recorded one: cut where COMMIT now ends.
    longer = 2 * (len((await world.get(one)).key) - len(PROPERLY))
    exchange.twin.fail("cut", "sent", commit_of(sent).end + longer)
    await world.drain()
    row = await world.get(one)
    assert (row.state, row.repeat, row.attempts) == (State.RETRY, True, 1)
    assert len(await exchange.rows()) == 1
    exchange.twin.fail("")
    await world.drain(hours=1)
    assert (await world.get(one)).state == State.TRANSPORTED
    await exchange.do("UPDATE {t} SET sync_flag = 1")
    await world.drain(days=1)
    row = await world.get(one)
    assert (row.state, row.remote_id, len(await exchange.rows())) == (State.DELIVERED, row.key, 1)


async def test_drift_stops_the_system_spends_no_attempt_and_leaves_no_half_row(
    world: World, exchange: Exchange
) -> None:
    (one,) = await world.owe(payload=json.dumps(PAYLOAD).encode())
    world.lines["north"] = Line(exchange.connector(), 1, 1_000, timedelta(seconds=10))
    await exchange.do("ALTER TABLE {t} RENAME COLUMN title TO topic")
    await world.drain()
    assert "the column title is gone" in (await world.health()).paused_reason
    assert ((await world.get(one)).attempts, await exchange.rows()) == (0, [])
