"""The table door against a real PostgreSQL: whom it connects to, whom it trusts, what it sees and puts."""

import subprocess
import sys
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from connectors.target_assessment.simulator import sample_payloads
from hub.sdk.egress import Egress
from hub.sdk.errors import Misconfigured, Refused, Unavailable
from hub.sdk.tables import postgres
from hub.sdk.tables.address import TableAddress
from hub.sdk.tables.door import TableDoor
from tests.connectors.sink import CLOSE, HANG, Sink
from tests.connectors.table_twin import Exchange, exchanging
from tests.connectors.test_http_tls import Authority, authority

__all__ = ["authority"]
ROOT = Path(__file__).resolve().parents[2]
AT = datetime.fromisoformat("2026-03-01T09:00:00")
ROW = {"id": "a", "op": "I", "ref_id": None, "title": "茗田", "amount": Decimal("1.50"), "sync_flag": 0}


@pytest.fixture
async def exchange(postgres_server: str) -> AsyncIterator[Exchange]:
    async with exchanging(postgres_server) as made:
        yield made


async def put(exchange: Exchange, row: dict[str, Any], door: TableDoor | None = None) -> bool:
    async with (door or exchange.door()).open(exchange.address) as session:
        return await session.put(await session.look(exchange.table), "id", row)


# --- what it sees and puts --------------------------------------------------------------------------------------------


async def test_a_row_is_put_once_found_by_its_key_and_only_then(exchange: Exchange) -> None:
    assert await put(exchange, ROW)
    assert not await put(exchange, ROW)
    async with exchange.door().open(exchange.address) as session:
        shape = await session.look(exchange.table)
        assert await session.find(shape, "id", "a", ROW) == ROW
        assert await session.find(shape, "id", "b", ROW) is None
    assert [row["id"] for row in await exchange.rows()] == ["a"]


async def test_what_is_not_committed_never_happened(exchange: Exchange) -> None:
    with pytest.raises(Refused, match="the database changes what it is given"):
        await put(exchange, {**ROW, "amount": 1.005})
    async with exchange.door().open(exchange.address) as session:
        shape = await session.look(exchange.table)
        await session._insert(shape, ROW)
    assert await exchange.rows() == []


COLUMNS_OF_ALL_KINDS = """
    id varchar(20) UNIQUE, whole int NOT NULL, part numeric(9, 3), rough double precision, yes boolean,
    at timestamp(0), moment timestamptz, day date, words text NOT NULL DEFAULT '', serial bigserial,
    counted int GENERATED ALWAYS AS IDENTITY, made int NOT NULL GENERATED ALWAYS AS (1) STORED, body jsonb,
    "Sync_Flag" int, "单位" varchar(9), "order" int, twice int, few int, net inet
"""


async def test_columns_of_every_kind_are_told_and_kept(postgres_server: str) -> None:
    async with exchanging(postgres_server, columns=COLUMNS_OF_ALL_KINDS) as wide:
        await wide.do("CREATE UNIQUE INDEX ON {t} (twice); CREATE UNIQUE INDEX ON {t} (few) WHERE few > 0")
        await wide.do('CREATE UNIQUE INDEX ON {t} (whole, part); CREATE INDEX ON {t} ("order")')
        await wide.do("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO hub_twin")
        async with wide.door().open(wide.address) as session:
            shape = await session.look(f"public.{wide.table}")
            kinds = {column.name: column.kind for column in shape.columns.values()}
            assert kinds == {
                "id": "text", "whole": "number", "part": "number", "rough": "number", "yes": "truth", "at": "time",
                "moment": "time", "day": "day", "words": "text", "serial": "number", "counted": "number",
                "made": "number", "body": "other", "Sync_Flag": "number", "单位": "text", "order": "number",
                "twice": "number", "few": "number", "net": "other",
            }  # fmt: skip
            assert {column.name for column in shape.columns.values() if column.required} == {"whole"}
            assert [shape.columns[name].chars for name in ("id", "words", "单位")] == [20, None, 9]
            assert shape.unique == {"id", "twice"}
            row = {
                "id": "a", "whole": 1, "part": 0.125, "rough": 0.1, "yes": True, "at": AT,
                "moment": AT.replace(tzinfo=UTC), "day": date(2026, 3, 1), "words": "x  ",
                "Sync_Flag": 0, "单位": "住建局", "order": 7,
            }  # fmt: skip
            assert await session.put(shape, "id", row)
        assert [kept["单位"] for kept in await wide.rows()] == ["住建局"]
        async with wide.door().open(wide.address) as session:
            shape = await session.look(wide.table)
            with pytest.raises(Refused, match="at: a time was given, another a time is there"):
                await session.put(shape, "id", {**row, "id": "b", "whole": 2, "at": AT.replace(microsecond=600_000)})


async def test_a_key_that_is_there_twice_is_nobody_s(postgres_server: str) -> None:
    async with exchanging(postgres_server, columns="id varchar(9), title varchar(9)") as loose:
        await loose.do("INSERT INTO {t} VALUES ('a', 'x'), ('a', 'y')")
        async with loose.door().open(loose.address) as session:
            shape = await session.look(loose.table)
            assert shape.unique == set()
            with pytest.raises(Misconfigured, match="several rows have one key"):
                await session.find(shape, "id", "a", ["title"])


async def test_text_that_is_in_no_set_stops_the_reading_and_is_no_refusal(postgres_server: str) -> None:
    async with exchanging(postgres_server, "SQL_ASCII") as raw:
        await raw.do(r"INSERT INTO {t} (id, op, title) VALUES ('a', 'I', E'\xc3\xe7')")
        async with raw.door().open(raw.address) as session:
            shape = await session.look(raw.table)
            with pytest.raises(Misconfigured, match="CharacterNotInRepertoire"):
                await session.find(shape, "id", "a", ["title"])


async def test_what_the_driver_says_is_in_no_chain_that_may_be_logged(exchange: Exchange) -> None:
    name = sample_payloads()["progress"]["reporter"]
    await exchange.do(f"ALTER TABLE {{t}} ADD CHECK (title <> '{name}')")
    with pytest.raises(Refused, match="title_check") as no:
        await put(exchange, {**ROW, "title": name})
    assert name not in "".join(traceback.format_exception(no.value))


# --- whom it connects to and trusts -----------------------------------------------------------------------------------


async def test_the_judged_address_is_connected_to_whatever_the_name_and_the_environment_say(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("PGHOST", "nowhere.example"), ("PGHOSTADDR", "127.0.0.9"), ("PGPORT", "1"), ("PGUSER", "postgres"),
        ("PGSSLMODE", "require"), ("PGOPTIONS", "-c search_path=nowhere"), ("PGDATABASE", "nowhere"),
        ("PGCLIENTENCODING", "LATIN1"), ("PGPASSWORD", "guessed"), ("PGGSSENCMODE", "require"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)

    async def lookup(host: str, port: int) -> list[str]:
        assert (host, port) == ("db.county.example", exchange.twin.port)
        return ["127.0.0.9", "127.0.0.1"]

    egress = Egress.parse([f"db.county.example:{exchange.twin.port}"], allow_loopback=True, lookup=lookup)
    async with TableDoor(egress).open(replace(exchange.address, host="db.county.example")) as session:
        assert await session.put(await session.look(exchange.table), "id", ROW)
    assert exchange.twin.connections == 1


async def test_what_no_grant_covers_is_never_connected_to(exchange: Exchange) -> None:
    async def lookup(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    port = exchange.twin.port
    for door, host, words in (
        (TableDoor(Egress.parse(["127.0.0.1:1"], allow_loopback=True)), "127.0.0.1", "reaches"),
        (TableDoor(Egress.parse([f"127.0.0.1:{port}"])), "127.0.0.1", "never connects"),
        (TableDoor(Egress.parse([f"db.example:{port}"], lookup=lookup)), "db.example", "never connects"),
    ):
        with pytest.raises(Misconfigured, match=words):
            async with door.open(replace(exchange.address, host=host)):
                pass
    assert exchange.twin.connections == 0


def vouching(authority: Authority, name: str) -> str:
    """A PEM file of an authority's own certificate."""
    pem = authority.folder / f"{name}.pem"
    pem.write_bytes(authority.itself.public_bytes(Encoding.PEM))
    return str(pem)


async def test_a_verified_line_is_used_and_no_other(exchange: Exchange, authority: Authority) -> None:
    stranger = Authority(authority.folder, ec.generate_private_key(ec.SECP256R1()), authority.name)
    ours, theirs = vouching(authority, "ours"), vouching(stranger, "theirs")
    exchange.twin.tls = authority.certify()
    async with exchange.door().open(replace(exchange.address, authority=ours)) as session:
        assert await session.put(await session.look(exchange.table), "id", ROW)
    for tls, pem, words in (
        (authority.certify(), theirs, "SSL error"),
        (authority.certify(days=-1), ours, "certificate verify failed"),
        (authority.certify("127.0.0.2"), ours, 'certificate for "127.0.0.2" does not match'),
        (authority.certify(), "/nowhere.pem", 'certificate file "/nowhere.pem" does not exist'),
        (None, ours, "does not support SSL"),
    ):
        exchange.twin.tls, exchange.twin.passed["sent"] = tls, bytearray()
        with pytest.raises(Misconfigured, match=words):
            async with exchange.door().open(replace(exchange.address, authority=pem)):
                pass
        assert b"hub_twin" not in exchange.twin.passed["sent"], "not even the account's name was told"


async def test_a_wrong_password_is_not_shown(exchange: Exchange) -> None:
    wrong = replace(exchange.address, password="guessed")
    with pytest.raises(Misconfigured, match="password authentication failed") as failure:
        async with exchange.door().open(wrong):
            pass
    assert "guessed" not in failure.value.reason + repr(wrong)


AT_THE_DOOR = 'connection failed: connection to server at "10.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    ("said", "meaning", "reason"),
    [
        ("FATAL:  sorry, too many clients already", Unavailable, "x: sorry, too many clients already"),
        ("FATAL:  the database system is starting up", Unavailable, "x: the database system is starting up"),
        ("致命错误:  对不起, 已经有太多的客户", Unavailable, "x: 对不起, 已经有太多的客户"),
        ("致命错误:  数据库系统正在关闭", Unavailable, "x: 数据库系统正在关闭"),
        ('致命错误:  用户 "hub" Password 认证失败', Misconfigured, '用户 "hub" Password'),
        ("FATAL:  no pg_hba.conf entry for host", Misconfigured, "no pg_hba.conf"),
        ("server closed the connection unexpectedly\n\tThis probably means:  it", Unavailable, "no connection"),
        ("SSL error: unexpected eof while reading", Unavailable, "no connection"),
        ("SSL SYSCALL error: Connection reset by peer", Unavailable, "no connection"),
        ("SSL error: wrong version number", Misconfigured, "x: SSL error: wrong version number"),
    ],
)
def test_what_a_server_says_at_the_door_is_understood_in_its_own_language(
    said: str, meaning: type[Exception], reason: str
) -> None:
    failure = postgres.not_let_in(psycopg.OperationalError(AT_THE_DOOR + said), "x")
    assert type(failure) is meaning
    assert reason in failure.reason


async def test_a_name_that_leads_nowhere_is_not_this_machine(exchange: Exchange) -> None:
    async def lookup(host: str, port: int) -> list[str]:
        return []

    door = TableDoor(Egress.parse([f"db.example:{exchange.twin.port}"], allow_loopback=True, lookup=lookup))
    with pytest.raises(Unavailable, match="no connection"):
        async with door.open(replace(exchange.address, host="db.example")):
            pass


@pytest.mark.parametrize("said", [(b"HTTP/1.1 400 Bad\r\n\r\n", CLOSE), (CLOSE,), (HANG,)])
async def test_something_else_listening_is_unavailable(exchange: Exchange, said: tuple[str | bytes, ...]) -> None:
    async with Sink() as sink:
        sink.say(*said, after=0)
        door = TableDoor(Egress.parse(sink.reaches, allow_loopback=True), connect_s=0.3)
        with pytest.raises(Unavailable, match="no connection"):
            async with door.open(replace(exchange.address, port=sink.port)):
                pass


async def test_another_database_that_speaks_alike_is_told_apart(exchange: Exchange) -> None:
    exchange.twin.rewrite = lambda data: data.replace(b"PostgreSQL 1", b"NamedOther 1")
    with pytest.raises(Misconfigured, match="version from string 'NamedOther"):
        await put(exchange, ROW)
    assert await exchange.rows() == []


async def test_a_scheme_nobody_here_speaks_is_a_wrong_setting(exchange: Exchange) -> None:
    with pytest.raises(Misconfigured, match="no database is known as 'oracle', only postgresql"):
        async with exchange.door().open(replace(exchange.address, scheme="oracle")):
            pass


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://hub:secret@10.0.0.1:5432/x", "postgresql://10.0.0.1:5432/x?host=/tmp", "postgresql://10.0.0.1/x",
        "postgresql://10.0.0.1:5432/", "postgresql://10.0.0.1:5432/x y", "10.0.0.1:5432/x", "postgresql:///x",
        "postgresql://a,b:5432/x", "postgresql://10.0.0.1:5432/x#", "postgresql://10.0.0.1:5432/x\n",
    ],
)  # fmt: skip
def test_a_url_can_say_nothing_but_where(url: str) -> None:
    with pytest.raises(Misconfigured, match="scheme://host:port/database"):
        TableAddress.parse(url, "hub", "secret")


def test_an_address_is_read() -> None:
    address = TableAddress.parse("postgresql://[fd00::1]:54321/exchange", "hub", "secret")
    assert (address.host, address.port, address.database) == ("fd00::1", 54321, "exchange")
    assert address.place == "fd00::1:54321/exchange"


def test_neither_the_door_nor_its_driver_is_loaded_before_a_table_is_written_to() -> None:
    code = (
        "import sys, connectors.target_assessment.connector, hub.sdk.doors\n"
        "print([name for name in ('sqlalchemy', 'psycopg') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
