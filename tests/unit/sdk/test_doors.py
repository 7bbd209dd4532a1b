"""The doors of one System share one guard."""

import httpx
import pytest

from hub.clock import SystemClock
from hub.sdk.doors import open_doors
from hub.sdk.egress import Egress
from hub.sdk.errors import Misconfigured
from hub.sdk.files import SftpAddress


async def test_every_door_holds_to_the_same_grant() -> None:
    clock = SystemClock()
    doors = open_doors(Egress.parse(["10.0.0.1:80"]), clock)
    assert doors.clock is clock
    with pytest.raises(Misconfigured, match="reaches"):
        await doors.http.send(httpx.Request("GET", "http://10.0.0.2/"))
    with pytest.raises(Misconfigured, match="reaches"):
        async with doors.files.open(SftpAddress("10.0.0.2", 22, "hub", "secret", HOST_KEY)):
            pass
    await doors.aclose()


HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
