"""The egress guard: which grants are well-formed, which addresses nobody may reach."""

import pytest

from hub.sdk.egress import Egress, is_denied, look_up, parse_grant, read_literal
from hub.sdk.errors import Misconfigured


@pytest.mark.parametrize(
    ("grant", "read"),
    [
        ("system.example:443", ("system.example", 443)),
        ("old_host-1:8080", ("old_host-1", 8080)),
        ("10.1.2.3:80", ("10.1.2.3", 80)),
        ("[fd12::0001]:22", ("fd12::1", 22)),
    ],
)
def test_a_grant_is_a_host_and_a_port(grant: str, read: tuple[str, int]) -> None:
    assert parse_grant(grant) == read


@pytest.mark.parametrize(
    "grant",
    [
        "system.example", "system.example:", "system.example:0", "system.example:65536", "system.example:+1", ":80",
        "127.1:80", "0x7f000001:80", "2130706433:80", "0177.0.0.1:80", "１２７.0.0.1:80", "①②⑦.0.0.1:80",
        "system.example:８０",
        "user@system.example:80", "http://system.example:80", "system.example/x:80", "SYSTEM.example:80", "a b:80",
        "a\n:80", "*:80", "-a:80", "中文.example:80",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_its_text(grant: str) -> None:
    with pytest.raises(Misconfigured, match="reaches: "):
        parse_grant(grant)


DENIED = [
    "0.0.0.0", "0.1.2.3", "100.100.100.200", "169.254.169.254", "169.254.0.1", "192.0.0.192", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255", "::", "fe80::1", "fec0::1", "ff02::1", "fd00:ec2::254", "5f00::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::", "2001:0:a00:1:0:0:80ff:fffe",
]  # fmt: skip
ALLOWED = [
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "59.202.1.1", "fd12::1", "2400:3200::1", "2002:a00:1::",
    "::ffff:10.0.0.1", "64:ff9b::a00:1", "127.0.0.1", "::1",
]  # fmt: skip


@pytest.mark.parametrize(("address", "denied"), [(a, True) for a in DENIED] + [(a, False) for a in ALLOWED])
def test_the_hard_deny_set(address: str, denied: bool) -> None:
    """Government systems live on private addresses, so those pass; plain loopback is judged apart."""
    literal = read_literal(address)
    assert literal is not None
    assert is_denied(literal) is denied


@pytest.mark.parametrize("address", [*DENIED, "127.0.0.1", "127.9.9.9", "::1", "fe80::1%eth0"])
async def test_nothing_denied_is_resolved_to_even_when_granted(address: str) -> None:
    async def rebind(host: str, port: int) -> list[str]:
        return ["10.0.0.1", address]

    egress = Egress.parse(["system.example:80"], lookup=rebind)
    with pytest.raises(Misconfigured, match="never connects to"):
        await egress.resolve("system.example", 80)


@pytest.mark.parametrize("address", ["::ffff:127.0.0.1", "64:ff9b::7f00:1", "169.254.169.254", "not an address"])
async def test_allowing_loopback_allows_nothing_else(address: str) -> None:
    async def rebind(host: str, port: int) -> list[str]:
        return [address]

    egress = Egress.parse(["system.example:80"], allow_loopback=True, lookup=rebind)
    with pytest.raises(Misconfigured, match="never connects to"):
        await egress.resolve("system.example", 80)


async def test_loopback_needs_both_the_switch_and_the_exact_grant() -> None:
    on, off = (Egress.parse(["127.0.0.1:9101", "[::1]:9101"], allow_loopback=switch) for switch in (True, False))
    assert await on.resolve("127.0.0.1", 9101) == ["127.0.0.1"]
    assert await on.resolve("::1", 9101) == ["::1"]
    for egress, port in ((off, 9101), (on, 9102)):
        with pytest.raises(Misconfigured):
            await egress.resolve("127.0.0.1", port)


async def test_a_granted_name_gives_every_address_that_was_judged() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["10.0.0.1", "fd12::1"]

    egress = Egress.parse(["system.example:80"], lookup=resolve)
    assert await egress.resolve("system.example", 80) == ["10.0.0.1", "fd12::1"]
    with pytest.raises(Misconfigured, match="add it to its `reaches`"):
        await egress.resolve("other.example", 80)


async def test_the_machine_s_own_resolver_is_the_default() -> None:
    assert "127.0.0.1" in await look_up("localhost", 80)
