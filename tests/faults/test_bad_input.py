"""Bad bodies at the real door, on both databases: refused in words, quickly, and nothing kept. Never a 500."""

import asyncio
import hashlib
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as told
from hypothesis import strategies as st

from hub.clock import Clock
from hub.model import Attachment
from hub.web.edge import MOST_BODY_BYTES
from tests.faults.conftest import counts
from tests.pictures import jpeg
from tests.some_connectors.county import County
from tests.web.conftest import Site, visit

SUBMISSIONS = "/api/v1/submissions"
JSON = {"Content-Type": "application/json"}
DOORS = {
    SUBMISSIONS: b'"answers":{',
    "/api/v1/sessions": b'"login":"ada","password":{',
    "/api/v1/deliveries/replay": b'"ids":[],"why":{',
}
"""Operations that read JSON, by our own reader and by the framework's; each with the place where the poison goes."""
POISON: dict[str, bytes] = {
    "nan": b'"a":NaN',
    "infinity": b'"a":[Infinity]',
    "minus infinity": b'"a":-Infinity',
    "beyond a double": b'"a":1e999',
    "lone surrogate": b'"a":"\\ud800"',
    "surrogate as a key": b'"\\udfff":1',
    "bytes that are no utf-8": b'"a":"\xff\xfe"',
    "nul": b'"a":"\\u0000"',
    "nul in a key": b'"a\\u0000":1',
    "key twice": b'"a":1,"a":2',
    "five thousand digits": b'"a":' + b"9" * 5_000,
    "array a hundred thousand deep": b'"a":' + b"[" * 100_000 + b"]" * 100_000,
    "object a hundred thousand deep": b'"a":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "array ten thousand deep": b'"a":' + b"[" * 10_000 + b"]" * 10_000,
    "three thousand deep": b'"a":' + b"[" * 3_000 + b"]" * 3_000,
    "three hundred thousand keys": b",".join(b'"k%d":1' % n for n in range(300_000)),
    "as many keys as fit": b",".join(b'"k%d":1' % n for n in range(100_000)),
    "a hundred thousand numbers": b'"a":[' + b"1," * 100_000 + b"1]",
    "never closed": b'"a":' + b"[" * 100_000,
}
QUICK_S = 0.1 if sys.gettrace() is None else 0.5
"""A traced run is several times slower."""


def body(door: str, poison: bytes) -> bytes:
    """A body that is plausible but for the poison in it."""
    rest = orjson.dumps({"form": "visit", "version": 1})[1:-1] if door == SUBMISSIONS else b'"more":1'
    return b"{" + rest + b"," + DOORS[door] + poison + b"}}"


@pytest.mark.fault("F75", "F76")
@pytest.mark.parametrize("door", DOORS)
async def test_hostile_json_is_refused_quickly_and_alike(site: Site, door: str) -> None:
    client = await site.client("opal" if "replay" in door else "ada")
    before = await counts(site)
    slow: dict[str, float] = {}
    for name, poison in POISON.items():
        sent, took = body(door, poison), 9.0
        for _ in range(5):  # the machine may be busy; the body must not be what is slow
            start = time.process_time()
            answer = await client.post(door, content=sent, headers=JSON)
            took = min(took, time.process_time() - start)
            if took < QUICK_S / 2:
                break
        assert 400 <= answer.status_code < 500, f"{name}: {answer.status_code} {answer.text[:200]}"
        assert answer.headers["content-type"] == "application/problem+json", name
        assert len(answer.content) < 20_000, name
        if took > QUICK_S:
            slow[name] = took
    assert slow == {}
    assert await counts(site) == before


ODD = st.sampled_from([b"NaN", b"Infinity", b"-Infinity", b"1e999", b'"\\ud800"', b'"\\u0000"', b"9" * 400, b"1e308"])
EVEN = st.sampled_from([b"1", b'"x"', b"null", b"true", b"[]", b"{}"])
PLACES = ["answers", "location", "seen", "version", "place", "occurred_at"]


@st.composite
def poisoned(draw: st.DrawFn) -> bytes:
    """JSON with one odd scalar somewhere inside, as a value or as a key."""
    odd, around = draw(ODD), draw(st.lists(EVEN, max_size=3))
    as_key = odd.startswith(b'"') and draw(st.booleans())
    inner = b"{" + odd + b":1}" if as_key else b"[" + b",".join([*around, odd]) + b"]"
    for _ in range(draw(st.integers(0, 5))):
        inner = b'{"a":' + inner + b"}"
    return inner


@pytest.mark.fault("F75")
@told(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.sampled_from(PLACES), poison=poisoned())
async def test_a_scalar_no_database_takes_gets_in_nowhere(site: Site, clock: Clock, where: str, poison: bytes) -> None:
    ada = await site.client("ada")
    raw = orjson.dumps(visit(clock) | {where: "HERE"}).replace(b'"HERE"', poison)
    answer = await ada.post(SUBMISSIONS, content=raw, headers=JSON)
    assert answer.status_code == 422, answer.text
    assert (await counts(site))["submission"] == 0


# --- F77, F78: too much -----------------------------------------------------------------------------------------------


def most_of(door: str) -> int:
    """Return how many bytes a door lets in."""
    return next(most for begin, most in MOST_BODY_BYTES.items() if door.startswith(begin))


@pytest.mark.fault("F77")
@pytest.mark.parametrize("door", [*DOORS, "/api/v1/attachments/" + "a" * 64])
@pytest.mark.parametrize("how", ["announced", "chunked", "multipart"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_body_that_is_too_large_is_never_kept_whole(site: Site, door: str, how: str) -> None:
    most = most_of(door)
    client, read = await site.client("opal" if "replay" in door else "ada"), 0
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' if how == "multipart" else b"\xff\xd8\xff"

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        yield part
        while True:
            read += 65_536
            yield bytes(65_536)

    headers = {"Content-Type": "multipart/form-data; boundary=x"} if how == "multipart" else dict(JSON)
    if how == "announced":
        headers["Content-Length"] = str(most + 1)
    send = client.put if "attachments" in door else client.post
    answer = await send(door, content=endless(), headers=headers)
    assert answer.status_code in ({413, 415} if how == "multipart" else {413}), answer.text
    assert read <= (0 if how == "announced" or answer.status_code == 415 else most + 65_536)
    assert answer.headers["content-type"] == "application/problem+json"
    assert files_in(site.parts.settings.data_dir / "blobs") == []


PART, END = b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n1\r\n', b"--x--\r\n"
FLOOD = PART * 20_000 + END
AMISS = {
    "negative length": b"Content-Length: -5\r\n\r\n{}",
    "two lengths": b"Content-Length: 2\r\nContent-Length: 200\r\n\r\n{}",
    "length that is no number": b"Content-Length: two\r\n\r\n{}",
    "length and chunks": b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "negative chunk": b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    "a hundred thousand headers": b"".join(b"X-%d: 1\r\n" % n for n in range(100_000)) + b"\r\n",
}


@pytest.mark.fault("F78")
@pytest.mark.parametrize("amiss", AMISS.values(), ids=AMISS)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_request_that_lies_about_its_length_is_refused(site: Site, port: int, amiss: bytes) -> None:
    head = b"POST /api/v1/submissions HTTP/1.1\r\nHost: hub.test\r\nCookie: hub_session=session-of-ada\r\n"
    head += b"Sec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\nConnection: close\r\n"
    start = time.process_time()
    said = await talk(port, head + amiss)
    assert time.process_time() - start < 5 * QUICK_S
    assert said == b"" or said.startswith(b"HTTP/1.1 4"), said[:200]
    assert (await counts(site))["submission"] == 0


@pytest.mark.fault("F78")
@pytest.mark.parametrize("door", [*DOORS, "/api/v1/attachments/" + hashlib.sha256(FLOOD).hexdigest()])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_flood_of_form_parts_costs_nothing(site: Site, door: str) -> None:
    """As many parts as the door lets in."""
    client, took = await site.client("opal" if "replay" in door else "ada"), 9.0
    send = client.put if "attachments" in door else client.post
    flood = FLOOD if len(FLOOD) <= most_of(door) else PART * ((most_of(door) - len(END)) // len(PART)) + END
    for _ in range(3):
        start = time.process_time()
        answer = await send(door, content=flood, headers={"Content-Type": "multipart/form-data; boundary=x"})
        took = min(took, time.process_time() - start)
        assert answer.status_code == 415, answer.text
    assert took < QUICK_S


async def talk(port: int, request: bytes) -> bytes:
    """Send bytes as they are, and return all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


# --- F34: an upload that breaks off -----------------------------------------------------------------------------------


PHOTO = jpeg(bytes(range(256)) * 800)
CUTS = 20


@pytest.mark.fault("F34")
@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in chunks"])
async def test_an_upload_cut_at_any_byte_was_never_received(
    site: Site, port: int, chunked: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    sha256 = hashlib.sha256(PHOTO).hexdigest()
    url, blobs = f"/api/v1/attachments/{sha256}", site.parts.settings.data_dir / "blobs"
    request = upload(url, chunked=chunked)
    start = len(request) - len(PHOTO)
    ada = await site.client("ada")
    for cut in [start // 2, *(start + len(PHOTO) * n // (CUTS - 1) for n in range(CUTS - 1))]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request[: min(cut, len(request) - 1)])
        await writer.drain()
        writer.transport.abort()
        reader.feed_eof()
        await until_gone(blobs)
        assert (await ada.get(url)).status_code == 404
        assert await County(site.store, site.parts.clock).rows(Attachment) == []
    assert "request.failed" not in capsys.readouterr().out, "a phone out of reach is no failure of the hub"
    said = await talk(port, request)
    assert said.startswith(b"HTTP/1.1 201 "), said[:200]
    assert (await ada.get(url)).content == PHOTO


def upload(url: str, *, chunked: bool) -> bytes:
    """A whole upload as bytes."""
    said = {"Host": "hub.test", "Cookie": "hub_session=session-of-ada", "Sec-Fetch-Site": "same-origin"}
    said |= {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(PHOTO))}
    said |= {"Connection": "close"}
    head = f"PUT {url} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in said.items())
    if not chunked:
        return f"{head}\r\n".encode() + PHOTO
    parts = [PHOTO[at : at + 30_000] for at in range(0, len(PHOTO), 30_000)]
    return f"{head}\r\n".encode() + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in [*parts, b""])


async def until_gone(blobs: Path) -> None:
    """Wait until nothing of a broken upload is left lying."""
    for _ in range(500):
        if not await asyncio.to_thread(files_in, blobs):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a part of the upload stayed")


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
