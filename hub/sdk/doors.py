"""The doors a connector is handed: every way out of the hub, guarded for one System."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from hub.clock import Clock
from hub.sdk.egress import Egress
from hub.sdk.http import HttpDoor

if TYPE_CHECKING:
    from hub.sdk.files import FileDoor
    from hub.sdk.tables.door import TableDoor


@dataclass(frozen=True)
class Doors:
    """All the I/O a connector has."""

    http: HttpDoor
    egress: Egress
    clock: Clock

    @property
    def files(self) -> "FileDoor":
        """Return the way out over SFTP; its library is only loaded by a hub that has such a System."""
        from hub.sdk.files import FileDoor  # noqa: PLC0415 - as said above

        return FileDoor(self.egress)

    @cached_property
    def tables(self) -> "TableDoor":
        """Return the way out to exchange tables; its driver is only loaded by a hub that has such a System."""
        from hub.sdk.tables.door import TableDoor  # noqa: PLC0415 - as said above

        return TableDoor(self.egress)

    async def aclose(self) -> None:
        """Close what the doors keep open."""
        await self.http.aclose()


def open_doors(egress: Egress, clock: Clock) -> Doors:
    """Return the doors of one System, all behind the same guard."""
    return Doors(HttpDoor(egress, clock=clock), egress, clock)
