"""A file server that says more than anybody reads: entries, bytes and time have caps, and a push lists nothing."""

import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from connectors.poverty_alleviation.simulator import sample_payloads
from hub.sdk.egress import SftpAddress
from hub.sdk.errors import REASON_CHARS, Misconfigured, Unanswered, Unavailable
from hub.sdk.files import FILE_BYTES, MOST_NAMES
from hub.sdk.packets import PACKET_BYTES, PACKET_NAMES
from tests.builders import World
from tests.connectors import raw_sftp as raw
from tests.connectors.measured import measured
from tests.connectors.system import about
from tests.connectors.test_file_door import Gate, Station, serving
from tests.connectors.test_file_faults import line

MOST_MB, MOST_BLOCKED_S = 40, 0.1
VISIT = json.dumps(sample_payloads()["visit"], ensure_ascii=False).encode()


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    (tmp_path / "sftp").mkdir()
    async with serving(tmp_path / "sftp") as running:
        yield running


def a_hundred(name: bytes) -> raw.Answer:
    """Names without end, a hundred in each packet."""
    counter = itertools.count()
    return lambda _: raw.named([name + str(next(counter)).encode() for _ in range(100)])


ENDLESS: dict[str, tuple[dict[int, raw.Answer], str]] = {
    "a listing": ({raw.READDIR: a_hundred(b"n")}, f"more than {MOST_NAMES} files"),
    "a listing of long names": ({raw.READDIR: a_hundred(b"n" * 2_000)}, "more than was asked for"),
    "the same name": ({raw.READDIR: lambda _: raw.named([b"a"] * 100)}, f"more than {MOST_NAMES} files"),
    "a huge packet of names": (
        {raw.READDIR: lambda _: raw.named([b"n"] * 250_000)}, f"more than {PACKET_BYTES} bytes",
    ),
    "many names at once": ({raw.READDIR: lambda _: raw.named([b"n"] * 15_000)}, f"more than {PACKET_NAMES} names"),
    "one huge name": ({raw.READDIR: lambda _: raw.named([b"n" * 3_000_000])}, f"more than {PACKET_BYTES} bytes"),
    "empty packets": ({raw.READDIR: lambda _: raw.named([])}, "the connection broke"),
    "nothing": ({raw.READDIR: lambda _: None}, "the connection broke"),
}  # fmt: skip


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
@pytest.mark.parametrize(("answers", "words"), ENDLESS.values(), ids=ENDLESS.keys())
async def test_a_listing_without_end_is_cut_at_the_caps(answers: dict[int, raw.Answer], words: str) -> None:
    within_s = 1 if words == "the connection broke" else 30
    async with (
        raw.answering(answers) as address,
        raw.open_to(address, within_s) as sftp,
        measured() as seen,
    ):
        with pytest.raises(Unavailable, match=words):
            await sftp.names("in")
    assert (seen.grew_mb < MOST_MB, seen.blocked_s < MOST_BLOCKED_S) == (True, True), seen


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
@pytest.mark.parametrize("many", [MOST_NAMES, MOST_NAMES + 1])
async def test_a_listing_at_its_cap_is_read_and_one_more_is_not(station: Station, many: int) -> None:
    for number in range(many - 2):  # `.` and `..` are listed too
        (station.folder / "pull" / f"export{number}").touch()
    async with station.door().open(station.address) as sftp, measured() as seen:
        if many > MOST_NAMES:
            with pytest.raises(Unavailable, match=f"pull holds more than {MOST_NAMES} files"):
                await sftp.names("pull")
        else:
            assert len(await sftp.names("pull")) == many - 2
            assert await sftp.names("pull", "77") == sorted(
                f"export{n}77" for n in ["", *range(1, 100)] if n != 99 or many
            )
    assert seen.blocked_s < MOST_BLOCKED_S


async def test_names_that_are_not_utf_8_hide_no_others(station: Station) -> None:
    for name in ("名单.csv".encode("gbk"), "名单.csv".encode()):
        (Path(str(station.folder / "pull")).joinpath(name.decode("utf-8", "surrogateescape"))).touch()
    async with station.door().open(station.address) as sftp:
        assert await sftp.names("pull") == ["名单.csv"]


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
@pytest.mark.parametrize("kind", ["push", "probe"])
async def test_a_folder_of_a_hundred_thousand_files_costs_no_listing(world: World, station: Station, kind: str) -> None:
    listed: list[bytes] = []
    for name in ("in", "out"):
        for number in range(50_000):
            (station.folder / name / f"hub_{number}.csv.ok").touch()
    station.mood.on_list = listed.append
    connector = line(world, station).connector
    async with measured() as seen:
        if kind == "push":
            (one,) = await world.owe(payload=VISIT)
            world.lines["north"] = line(world, station)
            await world.drain()
            assert (await world.get(one)).state == "transported"
        else:
            assert await connector.probe(about("nobody's:north/visit:1")) is None
    assert listed == []
    assert (seen.grew_mb < MOST_MB, seen.blocked_s < MOST_BLOCKED_S) == (True, True), seen


LYING: dict[str, tuple[int, raw.Answer, str]] = {
    "more than it says": (10, lambda _: data(b"x" * 11), "10 bytes were announced, 11 came"),
    "less than it says": (10, lambda asked: data(b"x") if _offset(asked) == 0 else raw.status(1), "announced, 1 came"),
    "nothing and then all": (0, lambda _: data(b"x"), "0 bytes were announced, 1 came"),
    "too large": (FILE_BYTES + 1, lambda _: data(b"x"), "is larger than"),
    "larger than a number": (2**64 - 1, lambda _: data(b"x"), "is larger than"),
    "pieces larger than asked for": (FILE_BYTES, lambda _: data(b"x" * 200_000), "more than was asked for"),
    "a huge piece": (
        FILE_BYTES, lambda asked: None if _offset(asked) else data(b"x" * 4_000_000), f"more than {PACKET_BYTES} bytes",
    ),
    "a byte at a time": (FILE_BYTES, lambda _: data(b"x"), "the connection broke"),
}  # fmt: skip


def data(content: bytes) -> bytes:
    return bytes([raw.DATA]) + b"{id}" + raw.text(content)


def _offset(asked: bytes) -> int:
    return int.from_bytes(asked[5:13], "big")


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
@pytest.mark.parametrize(("size", "read", "words"), LYING.values(), ids=LYING.keys())
async def test_a_file_whose_size_lies_is_not_read(size: int, read: raw.Answer, words: str) -> None:
    answers: dict[int, raw.Answer] = {raw.STAT: lambda _: raw.sized(size), raw.READ: read}
    within_s = 2 if words == "the connection broke" else 30
    async with (
        raw.answering(answers) as address,
        raw.open_to(address, within_s) as sftp,
        measured() as seen,
    ):
        with pytest.raises(Unavailable, match=words):
            await sftp.read("out/a.csv")
    assert (seen.grew_mb < MOST_MB, seen.blocked_s < MOST_BLOCKED_S) == (True, True), seen


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_a_file_as_large_as_may_be_passes_both_ways(station: Station) -> None:
    largest = bytes(FILE_BYTES)
    async with station.door().open(station.address) as sftp, measured() as seen:
        await sftp.put("in/a.csv", largest)
        assert await sftp.read("in/a.csv") == largest
    assert (seen.grew_mb < 3 * FILE_BYTES / 1e6 + MOST_MB, seen.blocked_s < MOST_BLOCKED_S) == (True, True), seen


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_a_server_that_takes_nothing_costs_no_more_than_the_file(station: Station) -> None:
    """What waits to be sent is never held twice."""
    station.mood.on_write = "hang"
    async with station.door(1).open(station.address) as sftp, measured() as seen:
        with pytest.raises(Unavailable):
            await sftp.put("in/a.csv", bytes(FILE_BYTES))
    assert seen.grew_mb < FILE_BYTES / 1e6 + MOST_MB


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({raw.STAT: lambda _: raw.status(4, b"w" * 200_000)}, "w" * 100),
        ({raw.STAT: lambda _: raw.status(4, b"w" * 300_000)}, f"more than {PACKET_BYTES} bytes"),
        ({raw.STAT: lambda _: raw.status(4, "满了".encode("gbk"))}, "xc2"),
        ({raw.STAT: lambda _: bytes([raw.ATTRS]) + b"{id}" + raw.number(1 << 31) + raw.number(1 << 31)}, "in/a"),
        ({raw.STAT: lambda _: bytes([raw.ATTRS]) + b"{id}" + raw.number(1 << 31) + raw.number(9_000) + bytes(72_000)},
         ""),
        ({raw.STAT: lambda _: raw.named([b"link" * 60_000])}, "Unexpected response"),
    ],
    ids=["long words", "longer words", "words in GBK", "attributes without end", "attributes", "a huge link"],
)  # fmt: skip
async def test_other_answers_have_the_same_caps(answers: dict[int, raw.Answer], words: str) -> None:
    async with raw.answering(answers) as address, raw.open_to(address) as sftp:
        async with measured() as seen:
            if not words:
                assert await sftp.has("in/a")
                return
            with pytest.raises(Unavailable, match=words) as no:
                await sftp.has("in/a")
        assert len(no.value.reason) <= REASON_CHARS
    assert (seen.grew_mb < MOST_MB, seen.blocked_s < MOST_BLOCKED_S) == (True, True), seen


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_a_greeting_without_end_is_not_read(station: Station) -> None:
    async with raw.answering({}, raw.text(b"x") * 100_000) as address, measured() as seen:
        with pytest.raises(Unavailable, match="no connection"):
            async with raw.open_to(address):
                pass
    assert (seen.grew_mb < MOST_MB, seen.blocked_s < MOST_BLOCKED_S) == (True, True), seen


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_an_unreadable_answer_to_a_rename_leaves_the_outcome_open() -> None:
    answers: dict[int, raw.Answer] = {
        raw.STAT: lambda _: raw.sized(3), 6: lambda _: raw.status(0), 18: lambda _: raw.status(0, b"w" * 300_000),
    }  # fmt: skip
    async with raw.answering(answers) as address, raw.open_to(address) as sftp:
        with pytest.raises(Unanswered):
            await sftp.put("in/a.csv", b"abc")


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_what_is_packed_is_not_unpacked(tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    packs = await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[key], server_factory=Gate, sftp_factory=True,
        compression_algs=["zlib@openssh.com"],
    )  # fmt: skip
    address = SftpAddress("127.0.0.1", packs.get_port(), "hub", "secret", key.export_public_key().decode())
    with pytest.raises(Misconfigured, match="compression"):
        async with raw.open_to(address):
            pass
    packs.close()
    await packs.wait_closed()


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_a_server_that_chatters_below_the_files_ends_with_the_time(station: Station) -> None:
    """Packets that mean nothing cost time of the loop only in small pieces, and no memory."""
    station.mood.on_stat = "chatter"
    async with station.door(1).open(station.address) as sftp, measured() as seen:
        with pytest.raises(Unavailable, match="the connection broke"):
            await sftp.has("in/a.csv")
    assert (seen.grew_mb < MOST_MB, seen.blocked_s < MOST_BLOCKED_S) == (True, True), seen
