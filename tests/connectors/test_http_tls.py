"""TLS at the HTTP door: everything but a valid certificate for this very name fails, and nothing switches that off."""

import re
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
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
from structlog.testing import capture_logs

from hub.model.delivery import State
from hub.outbox.capacity import Line
from hub.sdk.door.trust import checked, trusted_tls
from hub.sdk.doors import Doors
from hub.sdk.egress import Egress
from hub.sdk.errors import Misconfigured, Unanswered, Unavailable
from hub.sdk.http import HttpDoor
from tests.builders import World
from tests.connectors.sink import CLOSE, RESET, Sink, answer
from tests.fifth.ledger.connector import Connector as Ledger
from tests.fifth.ledger.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
TODAY = datetime.now(UTC)


@dataclass(frozen=True)
class Authority:
    """Somebody who signs certificates."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    @property
    def itself(self) -> x509.Certificate:
        """The certificate that says who it is."""
        plain = self._certificate(self.name, self.key, 3650, -3650)
        return plain.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(
            self.key, hashes.SHA256()
        )

    def certify(self, address: str = "127.0.0.1", *, days: float = 365, since: float = -365) -> ssl.SSLContext:
        """A server's TLS with a certificate for an address, good until some days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        signed = self._certificate(subject, key, days, since).add_extension(names, critical=False)
        plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path = self.folder / f"{address}-{days}.pem"
        path.write_bytes(key.private_bytes(*plain) + signed.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM))
        theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        theirs.load_cert_chain(path)
        return theirs

    def trusted(self) -> ssl.SSLContext:
        """The hub's TLS, were this one of the public authorities."""
        ours = ssl.create_default_context()
        ours.load_verify_locations(cadata=self.itself.public_bytes(Encoding.PEM).decode())
        return ours

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: float, since: float
    ) -> x509.CertificateBuilder:
        begins_at, ends_at = TODAY + timedelta(days=since), TODAY + timedelta(days=days)
        number = x509.random_serial_number()
        return x509.CertificateBuilder(self.name, subject, key.public_key(), number, begins_at, ends_at)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "invented authority")])
    return Authority(tmp_path, ec.generate_private_key(ec.SECP256R1()), name)


@asynccontextmanager
async def behind(theirs: ssl.SSLContext, ours: ssl.SSLContext | None) -> AsyncIterator[tuple[Sink, HttpDoor]]:
    """A sink behind TLS and a door to it."""
    async with Sink(tls=theirs) as sink:
        door = HttpDoor(Egress.parse(sink.reaches, allow_loopback=True), tls=ours)
        try:
            yield sink, door
        finally:
            await door.aclose()


def post(sink: Sink) -> httpx.Request:
    return httpx.Request("POST", sink.url.replace("http", "https"), content=b"{}")


async def test_a_connection_over_tls_is_kept_and_shared(authority: Authority) -> None:
    async with behind(authority.certify(), authority.trusted()) as (sink, door):
        sink.say(answer())
        with capture_logs() as said:
            for _ in range(3):
                assert (await door.send(post(sink))).status_code == 200
        assert (sink.connections, said) == (1, [])


@pytest.mark.fault("F58")
@pytest.mark.parametrize(
    ("address", "days", "since", "words"),
    [
        ("127.0.0.1", -1, -365, "expired"),
        ("127.0.0.1", 365, 1, "not yet valid"),
        ("127.0.0.2", 365, -365, "mismatch"),
    ],
)
async def test_an_expired_or_strange_certificate_stops_the_system(
    authority: Authority, address: str, days: int, since: int, words: str
) -> None:
    theirs = authority.certify(address, days=days, since=since)
    async with behind(theirs, authority.trusted()) as (sink, door):
        with pytest.raises(Misconfigured, match=f"not trusted: .*{words}"):
            await door.send(post(sink))
        assert sink.requests == []


@pytest.mark.fault("F58")
async def test_a_certificate_nobody_vouches_for_stops_the_system(authority: Authority) -> None:
    async with behind(authority.certify(), None) as (sink, door):
        with pytest.raises(Misconfigured, match="not trusted"):
            await door.send(post(sink))
        assert sink.requests == []


@pytest.mark.fault("F58")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_tls_below_1_2_is_not_spoken(authority: Authority, version: ssl.TLSVersion) -> None:
    theirs = authority.certify()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        theirs.minimum_version = theirs.maximum_version = version
    theirs.set_ciphers("ALL:@SECLEVEL=0")
    async with behind(theirs, authority.trusted()) as (sink, door):
        with pytest.raises(Unavailable, match="no connection"):
            await door.send(post(sink))
        assert sink.requests == []


@pytest.mark.fault("F58")
def test_no_switch_turns_verification_off() -> None:
    """Not for one System, not for all; neither a setting nor a context that trusts anybody."""
    lax, old = ssl.create_default_context(), ssl.create_default_context()
    lax.check_hostname = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1_1
    for context in (lax, old):
        with pytest.raises(Misconfigured):
            checked(context)
    lax.verify_mode = ssl.CERT_NONE
    with pytest.raises(Misconfigured):
        HttpDoor(Egress(frozenset()), tls=lax)
    assert checked(trusted_tls()) is trusted_tls()
    off = re.compile(r"CERT_NONE|CERT_OPTIONAL|_create_unverified|verify\s*=\s*False|check_hostname\s*=")
    sources = [*ROOT.glob("hub/**/*.py"), *ROOT.glob("connectors/**/*.py")]
    assert len(sources) > 100
    assert [str(path) for path in sources if off.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.fault("F58")
async def test_a_certificate_that_ends_within_a_month_is_announced_once_a_day(authority: Authority) -> None:
    async with behind(authority.certify(days=20.5), authority.trusted()) as (sink, door):
        sink.say(answer(headers="Connection: close\r\n"))
        with capture_logs() as said:
            for _ in range(3):
                await door.send(post(sink))
        assert sink.connections == 3
        found = [(each["event"], each["log_level"], each["place"], each["days"]) for each in said]
        assert found == [("certificate.ends_soon", "warning", f"127.0.0.1:{sink.port}", 20)]


@pytest.mark.fault("F54", "F58")
async def test_a_handshake_that_breaks_was_not_sent(authority: Authority) -> None:
    async with Sink() as sink:
        sink.say(RESET, after=1)
        door = HttpDoor(Egress.parse(sink.reaches, allow_loopback=True), tls=authority.trusted())
        with pytest.raises(Unavailable, match="no connection"):
            await door.send(post(sink))
        await door.aclose()


@pytest.mark.fault("F53")
async def test_an_answer_cut_inside_tls_is_none(authority: Authority) -> None:
    async with behind(authority.certify(), authority.trusted()) as (sink, door):
        sink.say(answer(length=50), CLOSE).say(answer(length=50), 0.02, RESET)
        for _ in range(2):
            with pytest.raises(Unanswered):
                await door.send(post(sink))


@pytest.mark.fault("F58")
async def test_a_system_nobody_vouches_for_is_paused_and_its_deliveries_wait(
    world: World, authority: Authority
) -> None:
    ids = await world.owe(2)
    async with Sink(tls=authority.certify()) as sink:
        door = HttpDoor(Egress.parse(sink.reaches, allow_loopback=True))
        doors = Doors(door, Egress.parse(sink.reaches), world.clock)
        ledger = Ledger(Settings(base_url=sink.url.replace("http", "https")), doors)
        world.lines["north"] = Line(ledger, 1, 1_000, timedelta(seconds=5))
        await world.drain()
        await door.aclose()
        assert sink.requests == []
    rows = [await world.get(one) for one in ids]
    assert [(row.state, row.attempts) for row in rows] == [(State.WAITING, 0)] * 2
    assert "not trusted" in (await world.health()).paused_reason
