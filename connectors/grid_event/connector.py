"""Carries events to 网格事件, changes and closes them, and reads categories and progress: I/O only."""

from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, ClassVar, Final, TypeVar

from connectors.grid_event.document import written
from connectors.grid_event.envelope import call, returned
from connectors.grid_event.lists import category_page, read_events
from connectors.grid_event.mapping import FIND, Answer, Listed, asked, categories, changes, filed, found, read_answer
from connectors.grid_event.settings import Settings
from hub.sdk import Capabilities, Misconfigured, Outgoing, Page, Receipt, Refused
from hub.sdk.doors import Doors
from hub.sdk.reading import Marks, patiently, read_changes

Read = TypeVar("Read")
CATEGORIES: Final = "category.list"
CHANGES: Final = "event.changes"


class Connector:
    """One installation of 网格事件."""

    # It keeps our serial and can be asked for it, but files twice what it is told twice.
    capabilities: ClassVar[Capabilities] = Capabilities(
        honours_key=False,
        probes=True,
        probes_changes=True,
        amends=True,
        withdraws=True,
        sources=("categories", "events"),
    )

    def __init__(self, settings: Settings, doors: Doors) -> None:
        self._settings = settings
        self._doors = doors

    async def check(self) -> str:
        """Read the categories, which tries address, operation, charset and account."""
        listed = await self._ask(CATEGORIES, CATEGORIES, {}, categories)
        return f"answers, and lists {len(listed.rows)} categories of version {listed.position}"

    async def push(self, outgoing: Outgoing) -> Receipt:
        """File an event, change it, or close it; not before asking whether this key has been there already."""
        method, body = asked(outgoing)
        document = self._document(method, outgoing.key, body)
        known = await self.probe(outgoing)
        if known is not None:
            return known
        return filed(await self._send(method, outgoing.key, document))

    async def probe(self, outgoing: Outgoing) -> Receipt | None:
        """Look for what was filed, changed or closed under a key; nothing means that it never arrived."""
        return await self._ask(FIND, outgoing.key, {"serial": outgoing.key}, found)

    async def pull(self, source: str, cursor: str) -> AsyncIterator[Page]:
        """Yield all categories, once per version of them, or the events that changed since a change number."""
        if source not in self.capabilities.sources:
            raise Misconfigured(f"{source!r} cannot be pulled here; this System has: categories, events")
        if source == "categories":
            page = category_page(await self._ask(CATEGORIES, CATEGORIES, {}, categories))
            if page.cursor != cursor:
                yield page
            return
        overlap = self._settings.overlap_changes
        marks = Marks(str, int, lambda change: max(change - overlap, 0))
        async for page in read_changes(partial(read_events, self._ask_events), marks, cursor):
            yield page

    async def _ask_events(self, after: int) -> Listed:
        return await self._ask(CHANGES, CHANGES, {"since": str(after), "size": self._settings.page_rows}, changes)

    async def _ask(self, method: str, serial: str, body: Mapping[str, Any], read: Callable[[Answer], Read]) -> Read:
        """Ask something that changes nothing there, patiently; a no means that the hub asks wrongly."""
        document = self._document(method, serial, body)

        async def once() -> Read:
            return read(await self._send(method, serial, document, self._settings.ask_s))

        try:
            return await patiently(once)
        except Refused as no:
            raise Misconfigured(f"{method}: {no.code} {no.reason}") from no

    async def _send(self, method: str, serial: str, document: str, deadline_s: float | None = None) -> Answer:
        response = await self._doors.http.send(call(self._settings, document), deadline_s=deadline_s)
        text = returned(self._settings, response, self._doors.clock.now())
        return read_answer(response, text, method, serial)

    def _document(self, method: str, serial: str, body: Mapping[str, Any]) -> str:
        account, password = self._settings.account, self._settings.password.get_secret_value()
        head = {"method": method, "serial": serial, "account": account, "password": password}
        return written("request", {"head": head, "body": body}, self._settings.charset)
