"""The doors a connector is handed: every way out of the hub, guarded for one System."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hub.clock import Clock
from hub.sdk.egress import Egress
from hub.sdk.files import FileDoor
from hub.sdk.http import HttpDoor

ReadEvidence = Callable[[str], Awaitable[bytes]]
"""sha256 of a photo or file to its bytes."""


@dataclass(frozen=True)
class Doors:
    """All the I/O a connector has."""

    http: HttpDoor
    files: FileDoor
    clock: Clock
    read_evidence: ReadEvidence

    async def aclose(self) -> None:
        """Close what the doors keep open."""
        await self.http.aclose()


def open_doors(egress: Egress, clock: Clock, read_evidence: ReadEvidence) -> Doors:
    """Return the doors of one System, all behind the same guard."""
    return Doors(http=HttpDoor(egress), files=FileDoor(egress), clock=clock, read_evidence=read_evidence)
