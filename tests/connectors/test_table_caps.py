"""A database that says more than anybody reads: the table door takes in so many bytes, and never more."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from hub.sdk.egress import Egress
from hub.sdk.errors import REASON_CHARS, Misconfigured, Refused, Unanswered, Unavailable
from hub.sdk.tables.door import TableDoor
from hub.sdk.tables.line import MOST_BYTES, Line
from tests.connectors.measured import measured
from tests.connectors.sink import Flood, Sink, drip
from tests.connectors.table_twin import Exchange, exchanging
from tests.connectors.test_table_door import ROW, put

MOST_MB, MOST_BLOCKED_S = 30, 0.1
TOO_MUCH = f"more than {MOST_BYTES} bytes"
HUGE = "repeat('词', 50000000)"  # 150 MB
RAISED = {
    "an error": f"RAISE EXCEPTION '%', {HUGE};",
    "the detail of an error": f"RAISE EXCEPTION 'no' USING DETAIL = {HUGE};",
    "a notice": f"RAISE NOTICE '%', {HUGE};",
    "notices without end": "LOOP RAISE NOTICE '%', repeat('x', 1000); END LOOP;",
}


@pytest.fixture
async def exchange(postgres_server: str) -> AsyncIterator[Exchange]:
    async with exchanging(postgres_server) as made:
        yield made


async def trigger(exchange: Exchange, does: str, when: str = "TRIGGER says BEFORE INSERT ON {t}") -> None:
    """Let the department's table do something with every new row."""
    body = f"$$ BEGIN {does} RETURN NEW; END $$"
    await exchange.do(f"CREATE FUNCTION {{t}}_says() RETURNS trigger LANGUAGE plpgsql AS {body}")
    await exchange.do(f"CREATE {when} FOR EACH ROW EXECUTE FUNCTION {{t}}_says()")


async def used_door(exchange: Exchange) -> TableDoor:
    """A door that has written its statements before, as all but the first session of a hub find it."""
    door = exchange.door()
    async with door.open(exchange.address) as session:
        await session.look(exchange.table)
    return door


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
@pytest.mark.parametrize("does", RAISED.values(), ids=RAISED.keys())
async def test_a_table_that_raises_megabytes_costs_the_cap_at_every_try(exchange: Exchange, does: str) -> None:
    await trigger(exchange, does)
    door = await used_door(exchange)
    async with measured() as seen:
        for _ in range(2):
            with pytest.raises(Unavailable, match=TOO_MUCH):
                await put(exchange, ROW, door)
    assert (seen.grew_mb < MOST_MB, seen.blocked_s < MOST_BLOCKED_S) == (True, True), seen
    assert await exchange.rows() == []


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_megabytes_at_the_commit_leave_the_outcome_open(exchange: Exchange) -> None:
    when = "CONSTRAINT TRIGGER says AFTER INSERT ON {t} DEFERRABLE INITIALLY DEFERRED"
    await trigger(exchange, f"RAISE WARNING '%', {HUGE};", when)
    door = await used_door(exchange)
    async with measured() as seen:
        with pytest.raises(Unanswered, match=TOO_MUCH):
            await put(exchange, ROW, door)
    assert (seen.grew_mb < MOST_MB, seen.blocked_s < MOST_BLOCKED_S) == (True, True), seen


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_a_row_of_megabytes_is_not_read_back(exchange: Exchange) -> None:
    await exchange.do("ALTER TABLE {t} ALTER sync_msg TYPE text")
    await exchange.do(f"INSERT INTO {{t}} (id, op, title, sync_msg) VALUES ('a', 'I', 'x', {HUGE})")
    async with measured() as seen:
        with pytest.raises(Unavailable, match=TOO_MUCH):
            async with exchange.door().open(exchange.address) as session:
                await session.find(await session.look(exchange.table), "id", "a", ["sync_msg"])
    assert (seen.grew_mb < MOST_MB, seen.blocked_s < MOST_BLOCKED_S) == (True, True), seen


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_a_million_rows_of_one_key_are_not_all_read(exchange: Exchange) -> None:
    """What is unique in a table is not so in those that inherit from it."""
    await exchange.do("CREATE TABLE {t}_more () INHERITS ({t})")
    await exchange.do("INSERT INTO {t}_more (id, op, title) SELECT 'a', 'I', 'x' FROM generate_series(1, 300000)")
    async with measured() as seen:
        with pytest.raises(Misconfigured, match="several rows have one key"):
            async with exchange.door().open(exchange.address) as session:
                await session.find(await session.look(exchange.table), "id", "a", ["title"])
    assert (seen.grew_mb < MOST_MB, seen.blocked_s < MOST_BLOCKED_S) == (True, True), seen


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_a_table_as_wide_as_can_be_is_looked_at_without_a_stop(postgres_server: str) -> None:
    """Sixteen hundred columns, each with a comment of a kilobyte."""
    columns = ", ".join(f"c{number} int" for number in range(1, 1599))
    async with exchanging(postgres_server, columns=f"id varchar(9) PRIMARY KEY, {columns}") as wide:
        say = "EXECUTE format('COMMENT ON COLUMN {t}.c%s IS %L', n, repeat('词', 300));"
        await wide.do(f"DO $$ BEGIN FOR n IN 1..1598 LOOP {say} END LOOP; END $$")
        async with measured() as seen, wide.door().open(wide.address) as session:
            shape = await session.look(wide.table)
        assert len(shape.columns) == 1599
        assert (seen.grew_mb < MOST_MB, seen.blocked_s < MOST_BLOCKED_S) == (True, True), seen


ALLOWED = b"R\0\0\0\x08\0\0\0\0"


def notice(text: bytes) -> bytes:
    """A message of the server's."""
    fields = b"SNOTICE\0VNOTICE\0C00000\0M" + text + b"\0\0"
    return b"N" + (len(fields) + 4).to_bytes(4, "big") + fields


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
@pytest.mark.parametrize("said", [notice(b"x" * 1_000), notice(b"x" * 50_000_000)], ids=["endless", "huge"])
async def test_nor_does_signing_in_take_in_more(exchange: Exchange, said: bytes) -> None:
    async with Sink() as sink:
        sink.say(ALLOWED, Flood(said, 100_000_000 // len(said)), after=8)
        door = TableDoor(Egress.parse(sink.reaches, allow_loopback=True))
        async with measured() as seen:
            with pytest.raises(Unavailable, match=TOO_MUCH):
                async with door.open(replace(exchange.address, port=sink.port)):
                    pass
        # The sink itself holds what it is about to send.
        assert (seen.grew_mb < MOST_MB + len(said) / 1e6, seen.blocked_s < MOST_BLOCKED_S) == (True, True), seen


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_what_a_table_says_under_the_cap_is_told_as_long_as_people_read(exchange: Exchange) -> None:
    await trigger(exchange, "RAISE EXCEPTION '%', repeat('词', 100000);")
    with pytest.raises(Refused) as no:
        await put(exchange, ROW)
    assert no.value.reason == "词" * REASON_CHARS


READY = ALLOWED + b"Z\0\0\0\x05I"


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_an_answer_that_drips_for_ever_ends_with_the_session(exchange: Exchange) -> None:
    async with Sink() as sink:
        sink.say(READY, after=8).say(*drip(notice(b"x" * 1_000), 0.01), after=1)
        door = TableDoor(Egress.parse(sink.reaches, allow_loopback=True), operation_s=0.5)
        with pytest.raises(Unavailable, match="no answer in time"):
            async with door.open(replace(exchange.address, port=sink.port)):
                pass


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_a_row_as_long_as_a_submission_may_be_passes_both_ways(exchange: Exchange) -> None:
    await exchange.do("ALTER TABLE {t} ALTER title TYPE text")
    row: dict[str, object] = {**ROW, "title": "户" * (2 * 1024 * 1024 // 3)}
    door = await used_door(exchange)
    async with measured() as seen:
        assert await put(exchange, row, door)
        assert not await put(exchange, row, door)
    assert seen.blocked_s < MOST_BLOCKED_S
    assert [kept["title"] for kept in await exchange.rows()] == [row["title"]]


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_a_database_that_reads_nothing_costs_no_more_than_the_row(exchange: Exchange) -> None:
    await exchange.do("ALTER TABLE {t} ALTER title TYPE text")
    async with exchange.door(operation_s=1).open(exchange.address) as session:
        shape = await session.look(exchange.table)
        exchange.twin.fail("hang", "sent", len(exchange.twin.passed["sent"]))
        async with measured() as seen:
            with pytest.raises(Unavailable, match="no answer in time"):
                await session.put(shape, "id", {**ROW, "title": "x" * (2 * 1024 * 1024)})
    assert seen.grew_mb < MOST_MB


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_a_stranger_on_this_machine_gets_no_line(exchange: Exchange) -> None:
    """The port in between takes one connection, the driver's, and none after it."""
    async with exchange.door().open(exchange.address) as session:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", session._line.port)
        assert await session.put(await session.look(exchange.table), "id", ROW)


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_of_two_at_the_same_moment_one_gets_the_line(exchange: Exchange) -> None:
    async with contextlib.aclosing(Line("x")) as line:
        await line.connect(["127.0.0.1"], exchange.twin.port, 5)
        with socket.create_connection(("127.0.0.1", line.port)), socket.create_connection(("127.0.0.1", line.port)):
            await asyncio.sleep(0.2)
            assert exchange.twin.connections == 1
            assert len(line._carrying) == 2, "one asks, one answers"
