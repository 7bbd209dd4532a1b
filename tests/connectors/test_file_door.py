"""The file door against a real SFTP server, well-behaved and not: a file appears whole or not at all."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncssh
import asyncssh.packet
import pytest

from hub.sdk.egress import Egress
from hub.sdk.errors import Misconfigured, Unanswered, Unavailable
from hub.sdk.files import FILE_BYTES, FileDoor, SftpAddress
from tests.connectors.sink import CLOSE, HANG, Sink

DATA = "户编码,姓名\r\n".encode("gb18030") * 9000


@dataclass
class Mood:
    """How the server behaves."""

    on_write: str = ""
    on_rename: str = ""
    cut_at: int | None = None
    """How many bytes of a file are written before the connection is cut."""
    on_list: Callable[[bytes], None] | None = None
    """Is told of every folder that is listed."""
    on_stat: str = ""


class Gate(asyncssh.SSHServer):
    """Lets one user in by password."""

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("hub", "secret")


class MoodyServer(asyncssh.SFTPServer):
    """An SFTP server that fails as its mood says."""

    mood = Mood()

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if self.mood.on_write == "quota":
            raise asyncssh.SFTPQuotaExceeded("quota exceeded")
        if self.mood.on_write == "break":
            self.channel.get_connection().abort()
            data = data[: len(data) // 2]
        if self.mood.cut_at is not None and offset + len(data) > self.mood.cut_at:
            self.channel.get_connection().abort()
            data = data[: max(self.mood.cut_at - offset, 0)]
        if self.mood.on_write == "hang":
            file_obj.close()  # type: ignore[attr-defined]  # nobody else will, once the connection is cut
            return asyncio.sleep(60, 0)  # type: ignore[return-value]  # awaitables are allowed
        if self.mood.on_write == "lose":
            return len(data)
        return super().write(file_obj, offset, data)  # type: ignore[return-value]  # awaitables are allowed

    def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        if self.mood.on_list is not None:
            self.mood.on_list(path)
        return super().scandir(path)

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:  # type: ignore[override]  # awaitables are allowed
        while self.mood.on_stat == "chatter":
            for _ in range(200):
                self.channel.get_connection().send_packet(2, asyncssh.packet.String(b""))  # SSH_MSG_IGNORE
            await asyncio.sleep(0)
        return super().stat(path)  # type: ignore[return-value]  # as above

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self.mood.on_rename == "break":
            self.channel.get_connection().abort()
        if self.mood.on_rename == "refuse":
            raise asyncssh.SFTPFailure("locked")
        if self.mood.on_rename == "old server":
            raise asyncssh.SFTPOpUnsupported("no posix-rename here")
        super().posix_rename(oldpath, newpath)


@dataclass(frozen=True)
class Station:
    """A running server: where it is, where it keeps files, how it behaves."""

    address: SftpAddress
    folder: Path
    mood: Mood

    def door(self, operation_s: float = 30) -> FileDoor:
        """Return a door granted to it."""
        egress = Egress.parse([f"127.0.0.1:{self.address.port}"], allow_loopback=True)
        return FileDoor(egress, operation_s=operation_s)


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    async with serving(tmp_path) as running:
        yield running


@asynccontextmanager
async def serving(folder: Path, port: int = 0) -> AsyncIterator[Station]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    mood = Mood()
    for name in ("in", "out", "pull"):
        (folder / name).mkdir(exist_ok=True)

    class Server(MoodyServer):
        def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
            super().__init__(channel, chroot=str(folder).encode())
            self.mood = mood

    server = await asyncssh.listen("127.0.0.1", port, server_host_keys=[key], server_factory=Gate, sftp_factory=Server)
    line = key.export_public_key().decode().strip()
    yield Station(SftpAddress("127.0.0.1", server.get_port(), "hub", "secret", line), folder, mood)
    server.close()
    await server.wait_closed()


async def test_a_file_arrives_whole_replaces_its_elder_and_can_be_read_and_removed(station: Station) -> None:
    async with station.door().open(station.address) as sftp:
        await sftp.put("/in/a.csv", b"old")
        await sftp.put("/in/a.csv", DATA)
        await sftp.put("/in/a.csv.ok", b"")
        (station.folder / "in" / "b.csv.part").write_bytes(b"another upload")
        assert await sftp.names("/in") == ["a.csv", "a.csv.ok"]
        assert await sftp.read("/in/a.csv") == DATA
        assert await sftp.read("/in/none.csv") is None
        await sftp.remove("/in/a.csv")
        await sftp.remove("/in/a.csv")
        assert await sftp.names("/in") == ["a.csv.ok"]


async def test_a_server_without_the_rename_extension_is_served_too(station: Station) -> None:
    station.mood.on_rename = "old server"
    async with station.door().open(station.address) as sftp:
        await sftp.put("/in/a.csv", DATA)
    assert (station.folder / "in" / "a.csv").read_bytes() == DATA


@pytest.mark.fault("F62")
@pytest.mark.parametrize(
    ("mood", "verdict"),
    [
        (Mood(on_write="quota"), Unavailable),
        (Mood(on_write="break"), Unavailable),
        (Mood(on_write="lose"), Unavailable),
        (Mood(on_write="hang"), Unavailable),
        (Mood(on_rename="refuse"), Unavailable),
    ],
    ids=str,
)
async def test_a_partial_file_is_never_visible(station: Station, mood: Mood, verdict: type[Exception]) -> None:
    station.mood.on_write, station.mood.on_rename = mood.on_write, mood.on_rename
    with pytest.raises(verdict):
        async with station.door(0.5 if mood.on_write == "hang" else 30).open(station.address) as sftp:
            await sftp.put("/in/a.csv", DATA)
    assert not (station.folder / "in" / "a.csv").exists()
    station.mood.on_write = station.mood.on_rename = ""
    async with station.door().open(station.address) as sftp:
        await sftp.put("/in/a.csv", DATA)
    assert (station.folder / "in" / "a.csv").read_bytes() == DATA


@pytest.mark.fault("F62")
async def test_a_break_while_renaming_leaves_the_outcome_open_and_the_file_whole(station: Station) -> None:
    station.mood.on_rename = "break"
    with pytest.raises(Unanswered):
        async with station.door().open(station.address) as sftp:
            await sftp.put("/in/a.csv", DATA)
    assert (station.folder / "in" / "a.csv").read_bytes() == DATA


async def test_a_folder_that_is_not_there_is_a_wrong_setting(station: Station) -> None:
    async with station.door().open(station.address) as sftp:
        with pytest.raises(Misconfigured):
            await sftp.put("/nowhere/a.csv", DATA)
        with pytest.raises(Misconfigured):
            await sftp.names("/nowhere")


async def test_a_file_too_large_to_be_meant_is_not_read(station: Station) -> None:
    with (station.folder / "in" / "huge").open("wb") as file:
        file.truncate(FILE_BYTES + 1)
    async with station.door().open(station.address) as sftp:
        with pytest.raises(Unavailable, match="larger than"):
            await sftp.read("/in/huge")


async def test_a_wrong_password_stops_the_system_and_is_not_shown(station: Station) -> None:
    wrong = replace(station.address, password="guessed")
    with pytest.raises(Misconfigured) as failure:
        async with station.door().open(wrong):
            pass
    assert "guessed" not in failure.value.reason
    assert "guessed" not in repr(wrong)


@pytest.mark.fault("F62")
@pytest.mark.parametrize("algorithm", ["ssh-ed25519", "ecdsa-sha2-nistp256"])
async def test_another_host_key_stops_the_system(station: Station, algorithm: str) -> None:
    other = asyncssh.generate_private_key(algorithm).export_public_key().decode()
    with pytest.raises(Misconfigured):
        async with station.door().open(replace(station.address, host_key=other)):
            pass


async def test_a_host_key_that_is_none_is_a_wrong_setting(station: Station) -> None:
    with pytest.raises(Misconfigured):
        async with station.door().open(replace(station.address, host_key="secret")):
            pass


async def test_nothing_listening_is_unavailable(tmp_path: Path) -> None:
    async with serving(tmp_path) as gone:
        pass
    with pytest.raises(Unavailable, match="no connection"):
        async with gone.door().open(gone.address):
            pass


@pytest.mark.parametrize("said", [(b"HTTP/1.1 400 Bad\r\n\r\n", CLOSE), (CLOSE,)])
async def test_something_else_listening_is_unavailable(station: Station, said: tuple[str | bytes, ...]) -> None:
    async with Sink() as sink:
        sink.say(*said, after=0)
        door = FileDoor(Egress.parse(sink.reaches, allow_loopback=True))
        with pytest.raises(Unavailable, match="no connection"):
            async with door.open(replace(station.address, port=sink.port)):
                pass


async def test_a_silent_machine_is_given_up_on(station: Station) -> None:
    async with Sink() as sink:
        sink.say(HANG, after=0)
        door = FileDoor(Egress.parse(sink.reaches, allow_loopback=True), connect_s=0.3)
        with pytest.raises(Unavailable, match="TimeoutError"):
            async with door.open(replace(station.address, port=sink.port)):
                pass


async def test_what_no_grant_covers_is_never_connected_to(station: Station) -> None:
    async with Sink() as canary:
        granted_elsewhere = station.door()
        with pytest.raises(Misconfigured, match="reaches"):
            async with granted_elsewhere.open(replace(station.address, port=canary.port)):
                pass
        no_loopback = FileDoor(Egress.parse(canary.reaches))
        with pytest.raises(Misconfigured, match="never connects"):
            async with no_loopback.open(replace(station.address, port=canary.port)):
                pass
        assert canary.connections == 0
