"""Software that takes changes and takes things back; what it is sent it only remembers."""

from collections.abc import AsyncIterator
from typing import ClassVar

from hub.sdk import Capabilities, Outgoing, Page, Receipt
from hub.sdk.doors import Doors
from tests.some_connectors.thorough.settings import Settings


class Connector:
    capabilities: ClassVar = Capabilities(honours_key=True, amends=True, withdraws=True, sources=("homes", "rivers"))

    def __init__(self, settings: Settings, doors: Doors) -> None:
        self.sent: list[Outgoing] = []

    async def check(self) -> str:
        return "fine"

    async def push(self, outgoing: Outgoing) -> Receipt:
        self.sent.append(outgoing)
        return Receipt(f"N{len(self.sent)}")

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        return None

    async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
        yield Page((), cursor)
