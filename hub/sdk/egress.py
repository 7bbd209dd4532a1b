"""Where a System may be reached: its grants, and the addresses nobody may reach. Decides; opens no connection."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Self

from hub.sdk.errors import Misconfigured

Address = IPv4Address | IPv6Address
Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Host name and port to address literals; raises OSError when the name does not resolve."""

_NEVER = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",
        "100.100.100.200/32",  # cloud metadata (Alibaba); `ipaddress` calls it public
        "169.254.0.0/16",
        "192.0.0.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "64:ff9b:1::/48",  # local NAT64: where the IPv4 sits depends on the operator, so none is trusted
        "5f00::/16",
        "fd00:ec2::254/128",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
_LAST_PORT = 65535
_ENDS_IN_IPV4 = tuple(ip_network(block) for block in ("::/96", "::ffff:0:0/96", "64:ff9b::/96"))
_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9_-]{0,61}[a-z0-9])?")


async def look_up(host: str, port: int) -> list[str]:
    """Resolve a name with the machine's own resolver, off the event loop."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def read_literal(host: str) -> Address | None:
    """Return the address a host is written as (zone stripped), or None when it is a name."""
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def embedded(address: Address) -> Iterator[IPv4Address]:
    """Yield each IPv4 address hidden inside an IPv6 one: mapped, compatible, NAT64, 6to4, Teredo."""
    if isinstance(address, IPv4Address):
        return
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    if any(address in block for block in _ENDS_IN_IPV4) and int(address) > 1:
        yield low
    elif address.sixtofour is not None:
        yield address.sixtofour
    elif address.teredo is not None:
        yield from address.teredo


def is_denied(address: Address) -> bool:
    """Say whether nobody may ever be sent there; plain loopback is judged apart."""
    if any(address in block for block in _NEVER):
        return True
    return any(inner.is_loopback or is_denied(inner) for inner in embedded(address))


def parse_grant(text: str) -> tuple[str, int]:
    """Read one `host:port` (IPv6 in brackets) strictly; Misconfigured says what is wrong with it."""
    host, _, port = text.rpartition(":")
    literal = read_literal(host)
    if literal is not None:
        host = str(literal)
    elif not _NAME.fullmatch(host):
        # Also catches 127.1, 0x7f000001 and full-width digits, which resolvers read as addresses.
        raise Misconfigured(f"reaches: {text!r} is not host:port with a plain lower-case name or address")
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT):
        raise Misconfigured(f"reaches: {text!r} has no port between 1 and 65535")
    return host, int(port)


@dataclass(frozen=True)
class Egress:
    """What one System's doors may connect to."""

    grants: frozenset[tuple[str, int]]
    allow_loopback: bool = False
    lookup: Lookup = look_up

    @classmethod
    def parse(cls, reaches: Iterable[str], *, allow_loopback: bool = False, lookup: Lookup = look_up) -> Self:
        """Make it from the `reaches` lines of connectors.yaml."""
        return cls(frozenset(parse_grant(line) for line in reaches), allow_loopback, lookup)

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return the address literals to connect to; every one was judged, and one bad one refuses all."""
        literal = self.permit(host, port)
        found = [str(literal)] if literal else await self.lookup(host, port)
        for each in found:
            self._judge(each, host, port)
        return found

    def permit(self, host: str, port: int) -> Address | None:
        """Refuse what no grant covers, or a literal nobody may reach; return the literal, if it is one."""
        literal = read_literal(host)
        if (str(literal) if literal else host, port) not in self.grants:
            raise Misconfigured(f"{host}:{port} is not in what this System may reach; add it to its `reaches`")
        if literal:
            self._judge(str(literal), host, port)
        return literal

    def _judge(self, found: str, host: str, port: int) -> None:
        address = read_literal(found)
        if address is None or is_denied(address) or (address.is_loopback and not self.allow_loopback):
            raise Misconfigured(f"{host}:{port} leads to {found}, which the hub never connects to")


@dataclass(frozen=True)
class SftpAddress:
    """Where files go and what proves that it is still the same machine."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    host_key: str
    """The server's public key as one OpenSSH line, e.g. `ssh-ed25519 AAAA…`."""
