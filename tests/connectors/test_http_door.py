"""The HTTP door against a System that misbehaves: nothing half-said ever passes for an answer."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from hub.sdk.egress import Egress
from hub.sdk.errors import DeliveryFailure, Misconfigured, Unanswered, Unavailable
from hub.sdk.http import HttpDoor
from tests.connectors.sink import CLOSE, HANG, RESET, Sink, Step, answer, answer_json

HUGE = b"x" * (1024 * 1024 + 1)


@asynccontextmanager
async def door_to(sink: Sink) -> AsyncIterator[HttpDoor]:
    door = HttpDoor(Egress.parse(sink.reaches, allow_loopback=True))
    try:
        yield door
    finally:
        await door.aclose()


async def ask(*steps: Step, method: str = "POST", after: int | None = None, deadline_s: float = 5) -> httpx.Response:
    """Send one request to a sink that answers with `steps`."""
    async with Sink() as sink, door_to(sink) as door:
        sink.say(*steps, after=after)
        body = b'{"a": 1}' if method == "POST" else None
        return await door.send(httpx.Request(method, sink.url, content=body), deadline_s=deadline_s)


async def test_a_complete_answer_comes_back_whole() -> None:
    response = await ask(answer_json({"code": 0}))
    assert (response.status_code, response.json()) == (200, {"code": 0})


async def test_a_chunked_answer_comes_back_whole() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (await ask(head, b"2\r\nab\r\n", 0.05, b"1\r\nc\r\n0\r\n\r\n")).content == b"abc"


async def test_an_answer_that_ends_with_its_connection_is_taken_when_it_says_so() -> None:
    assert (await ask(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc", CLOSE)).content == b"abc"


@pytest.mark.fault("F49")
@pytest.mark.parametrize("status", [204, 301, 302, 307, 308, 400, 401, 404, 429, 500, 503])
async def test_any_status_is_just_an_answer_and_no_redirect_is_followed(status: int) -> None:
    async with Sink() as sink, Sink() as elsewhere, door_to(sink) as door:
        elsewhere.say(answer())
        body = b"" if status == 204 else b"{}"
        sink.say(answer(status, body, f"Location: {elsewhere.url}\r\n"))
        response = await door.send(httpx.Request("POST", sink.url, content=b"{}"))
        assert response.status_code == status
        assert len(sink.requests) == 1
        assert elsewhere.connections == 0


async def test_what_is_sent_is_what_the_request_says_and_no_more() -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(answer(headers="Set-Cookie: a=b\r\n")).say(answer())
        for _ in range(2):
            await door.send(httpx.Request("POST", sink.url + "x?y=1", content=b"{}", headers={"X-Key": "k"}))
        head, body = sink.requests[1].split(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        assert lines[0] == b"POST /x?y=1 HTTP/1.1"
        names = {line.split(b":")[0].lower() for line in lines[1:]}
        assert names == {b"host", b"x-key", b"content-length", b"accept", b"content-type"}
        assert body == b"{}"
        assert sink.connections == 1


BROKEN: dict[str, tuple[Step, ...]] = {
    "closed without a word": (CLOSE,),
    "reset without a word": (RESET,),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-", CLOSE),
    "shorter than promised": (answer(length=50), CLOSE),
    "reset inside the body": (answer(length=50), 0.05, RESET),
    "chunk cut": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab", CLOSE),
    "last chunk missing": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", CLOSE),
    "no length on a kept connection": (b"HTTP/1.1 200 OK\r\n\r\n{}", CLOSE),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", CLOSE),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", CLOSE),
    "negative length": (answer(length=-1), CLOSE),
    "gzip": (answer(body=gzip.compress(b"{}"), headers="Content-Encoding: gzip\r\n"),),
    "huge": (answer(body=HUGE),),
    "huge and never ending": (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", HUGE, HANG),
    "too many headers": (answer(headers="".join(f"X-{n}: 1\r\n" for n in range(100))),),
    "one endless header": (answer(headers=f"X-A: {'a' * 20000}\r\n"),),
    "upgrade nobody asked for": (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", HANG),
}


@pytest.mark.fault("F53", "F56", "F60")
@pytest.mark.parametrize("steps", BROKEN.values(), ids=BROKEN.keys())
async def test_a_post_without_a_complete_answer_is_unanswered(steps: tuple[Step, ...]) -> None:
    with pytest.raises(Unanswered):
        await ask(*steps)


@pytest.mark.parametrize("steps", BROKEN.values(), ids=BROKEN.keys())
async def test_a_get_without_a_complete_answer_is_merely_unavailable(steps: tuple[Step, ...]) -> None:
    with pytest.raises(Unavailable):
        await ask(*steps, method="GET")


@pytest.mark.fault("F54")
@pytest.mark.parametrize("seen", [1, 60, 120])
async def test_a_reset_while_the_request_travels_is_unanswered(seen: int) -> None:
    with pytest.raises(Unanswered):
        await ask(RESET, after=seen)


@pytest.mark.fault("F55", "F60")
@pytest.mark.parametrize(
    "steps",
    [
        (HANG,),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", *([b"x", 0.05] * 90)),
        (b"HTTP/1.1 102 x\r\n\r\n", 0.05) * 90,
    ],
    ids=["silent", "one byte at a time", "interim answers for ever"],
)
async def test_the_deadline_is_for_everything_together(steps: tuple[Step, ...]) -> None:
    began = time.monotonic()
    with pytest.raises(Unanswered, match=r"within 0\.5 s"):
        await ask(*steps, deadline_s=0.5)
    assert time.monotonic() - began < 2


async def test_a_put_is_not_sent_again_when_a_kept_connection_turns_out_dead() -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(answer()).say(CLOSE).say(answer())
        await door.send(httpx.Request("PUT", sink.url, content=b"1"))
        with pytest.raises(Unanswered):
            await door.send(httpx.Request("PUT", sink.url, content=b"2"))
        assert len(sink.requests) == 2


async def test_a_connection_closed_while_the_hub_was_busy_is_not_written_to() -> None:
    """A System that restarts between two deliveries must not make the second one unknown."""
    closed = threading.Event()

    def serve(listening: socket.socket) -> None:
        for _ in range(2):
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer())
            closed.set()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        port = listening.getsockname()[1]
        server = threading.Thread(target=serve, args=(listening,))
        server.start()
        door = HttpDoor(Egress.parse([f"127.0.0.1:{port}"], allow_loopback=True))
        for _ in range(2):
            await door.send(httpx.Request("POST", f"http://127.0.0.1:{port}/", content=b"{}"))
            closed.wait(5)  # the event loop stands still meanwhile
        await door.aclose()
        server.join(5)


@pytest.mark.fault("F54")
async def test_nothing_listening_is_unavailable() -> None:
    async with Sink() as sink:
        url, reaches = sink.url, sink.reaches
    door = HttpDoor(Egress.parse(reaches, allow_loopback=True))
    with pytest.raises(Unavailable, match="no connection"):
        await door.send(httpx.Request("POST", url, content=b"{}"))
    await door.aclose()


@pytest.mark.fault("F59")
async def test_a_name_that_does_not_resolve_is_unavailable() -> None:
    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    door = HttpDoor(Egress.parse(["system.example:80"], lookup=nowhere))
    with pytest.raises(Unavailable, match="no connection"):
        await door.send(httpx.Request("POST", "http://system.example/", content=b"{}"))
    await door.aclose()


async def test_speaking_tls_to_a_system_that_does_not_is_unavailable() -> None:
    async with Sink() as sink, door_to(sink) as door:
        sink.say(b"HTTP/1.1 400 Bad\r\n\r\n", CLOSE, after=1)
        with pytest.raises(Unavailable, match="no connection"):
            await door.send(httpx.Request("POST", sink.url.replace("http", "https"), content=b"{}"))


async def test_the_checked_address_is_the_one_connected_to() -> None:
    """A name answers with a good address once and with another ever after: the first one is used."""
    async with Sink() as sink:
        sink.say(answer())
        answers = iter([["127.0.0.1"], ["169.254.169.254"]])

        async def fickle(host: str, port: int) -> list[str]:
            return next(answers)

        egress = Egress.parse([f"system.example:{sink.port}"], allow_loopback=True, lookup=fickle)
        door = HttpDoor(egress)
        url = f"http://system.example:{sink.port}/"
        assert (await door.send(httpx.Request("GET", url))).status_code == 200
        assert b"host: system.example:" in sink.requests[0].lower()
        await door.aclose()


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "100.100.100.200", "::ffff:127.0.0.1"])
async def test_a_granted_name_that_leads_somewhere_forbidden_is_refused(address: str) -> None:
    async with Sink() as canary:

        async def resolve(host: str, port: int) -> list[str]:
            return ["10.0.0.1", address]

        door = HttpDoor(Egress.parse([f"system.example:{canary.port}"], lookup=resolve))
        with pytest.raises(Misconfigured, match="never connects to"):
            await door.send(httpx.Request("POST", f"http://system.example:{canary.port}/", content=b"{}"))
        assert canary.connections == 0
        await door.aclose()


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://127.0.0.1:1/", {}),
        ("http://127.1:{port}/", {}),
        ("http://2130706433:{port}/", {}),
        ("http://0x7f000001:{port}/", {}),
        ("http://[::1]:{port}/", {}),
        ("http://[::ffff:127.0.0.1]:{port}/", {}),
        ("http://user:pass@127.0.0.1:{port}/", {}),
        ("ftp://127.0.0.1:{port}/", {}),
        ("http://127.0.0.1:{port}/", {"X-Key": "a\r\nX-Other: b"}),
    ],
)
async def test_what_no_grant_covers_never_leaves(url: str, headers: dict[str, str]) -> None:
    async with Sink() as sink, door_to(sink) as door:
        with pytest.raises(Misconfigured):
            await door.send(httpx.Request("POST", url.format(port=sink.port), content=b"{}", headers=headers))
        assert sink.connections == 0


async def test_a_host_header_cannot_name_another_system() -> None:
    async with Sink() as sink, door_to(sink) as door:
        with pytest.raises(Misconfigured, match="Host"):
            await door.send(httpx.Request("GET", sink.url, headers={"Host": "other.example"}))


async def test_no_proxy_or_password_file_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Sink() as sink, Sink() as proxy, door_to(sink) as door:
        sink.say(answer())
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert (await door.send(httpx.Request("GET", sink.url))).status_code == 200
        assert proxy.connections == 0


async def test_a_transport_of_the_tests_own_is_held_to_the_same_rules() -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/down":
            raise httpx.ConnectError("down")
        if request.url.path == "/chatty":
            return httpx.Response(200, headers=[("X-A", "1")] * 65, text="ok")
        return httpx.Response(200, content=HUGE)

    door = HttpDoor(Egress.parse(["system.example:80"]), transport=httpx.MockTransport(reply))
    failures: list[type[DeliveryFailure]] = []
    for path in ("down", "huge", "chatty"):
        with pytest.raises(DeliveryFailure) as failure:
            await door.send(httpx.Request("POST", f"http://system.example/{path}"))
        failures.append(failure.type)
    assert failures == [Unavailable, Unanswered, Unanswered]


def certificate_for(address: str, folder: Path) -> Path:
    """Write a self-signed certificate with its key, the way old departmental machines have them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(key.private_bytes(*plain) + signed.public_bytes(Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("certified", "trusted", "verdict"),
    [("127.0.0.1", True, 200), ("127.0.0.1", False, "not trusted"), ("10.0.0.1", True, "not trusted")],
    ids=["trusted", "nobody vouches for it", "another machine's"],
)
async def test_a_certificate_is_checked_against_the_address(
    tmp_path: Path, certified: str, trusted: bool, verdict: int | str
) -> None:
    """An untrusted certificate stops the System: it does not heal by waiting."""
    pem = certificate_for(certified, tmp_path)
    theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    theirs.load_cert_chain(pem)
    if trusted:
        ours.load_verify_locations(pem)
    async with Sink(tls=theirs) as sink:
        sink.say(answer())
        door = HttpDoor(Egress.parse(sink.reaches, allow_loopback=True), tls=ours)
        request = httpx.Request("POST", sink.url.replace("http", "https"), content=b"{}")
        if verdict == 200:
            assert (await door.send(request)).status_code == 200
        else:
            with pytest.raises(Misconfigured, match=str(verdict)):
                await door.send(request)
            assert sink.requests == []
        await door.aclose()
