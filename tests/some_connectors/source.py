"""A System to pull from, in memory: it gives everything, or what changed since a mark, and says what is gone."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from hub.model import Alias, OpenItem, Place, PlaceHistory, PullRow, Snapshot
from hub.model.people import Role, Scope
from hub.pulls.run import PullReport, Pulls, pull_now
from hub.sdk import Capabilities, LeftOut, Outgoing, Page, Receipt
from hub.store.query import places
from hub.systems import Registry
from tests.some_connectors.county import COUNTY, County, files, wired

Row = dict[str, Any]


@dataclass
class Source:
    """The rows of one System by key, and what changed in which order."""

    key: str
    rows: dict[str, Any] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    page_rows: int = 100
    left_out: tuple[LeftOut, ...] = ()
    ahead: str = ""
    as_of: datetime | None = None
    vouches: bool = True
    hidden: set[str] = field(default_factory=set)
    """Keys whose changes slide past whoever reads on from a mark."""
    failure: Exception | None = None
    asked: list[str] = field(default_factory=list)
    capabilities: ClassVar = Capabilities(honours_key=True)

    async def check(self) -> str:
        return ""

    async def push(self, outgoing: Outgoing) -> Receipt:
        raise NotImplementedError

    async def probe(self, key: str) -> Receipt | None:
        raise NotImplementedError

    def say(self, *rows: Mapping[str, Any], hidden: bool = False) -> None:
        """Change rows, or add them."""
        for row in rows:
            key = str(row[self.key])
            self.rows[key] = dict(row)
            self.changes.append(key)
            (self.hidden.add if hidden else self.hidden.discard)(key)

    def drop(self, key: str, *, hidden: bool = False) -> None:
        """Delete a row."""
        del self.rows[key]
        self.changes.append(key)
        (self.hidden.add if hidden else self.hidden.discard)(key)

    async def pull(self, _source: str, cursor: str) -> AsyncIterator[Page]:
        self.asked.append(cursor)
        if self.failure is not None:
            raise self.failure
        mark = str(len(self.changes))
        if cursor:
            news = [key for key in dict.fromkeys(self.changes[int(cursor) :]) if key not in self.hidden]
            rows = tuple(self.rows[key] for key in news if key in self.rows)
            gone = tuple(key for key in news if key not in self.rows)
            yield Page(rows, mark, self.as_of, gone=gone, left_out=self.left_out, ahead=self.ahead)
            return
        every = list(self.rows.values())
        starts = range(0, max(len(every), 1), self.page_rows)
        for start in starts:
            is_last = start == starts[-1]
            yield Page(tuple(every[start : start + self.page_rows]), mark if is_last else "", self.as_of,
                       complete=is_last and self.vouches, left_out=self.left_out if is_last else (),
                       ahead=self.ahead)  # fmt: skip


def registry_with(system: str, **changes: object) -> Registry:
    """The wiring of the small county, with the first pull of a System changed."""

    def change(document: Any) -> None:  # noqa: ANN401 - a document as YAML gives it
        document["systems"][system]["pull"][0].update(changes)

    return wired(change)


@dataclass
class Sources:
    """The Systems of the small county, and what the hub has made of them."""

    county: County
    registry: Registry = field(default_factory=lambda: files()[1])

    def __post_init__(self) -> None:
        self.doors, self.bins, self.files, self.rivers = map(Source, ("door", "bin", "file", "near"))
        connectors = {"doors": self.doors, "bins": self.bins, "files": self.files, "rivers": self.rivers}
        self.pulls = Pulls(self.county.store, self.county.clock, self.registry, connectors, self.county.catalog)

    async def pull(self, *systems: str, **how: bool) -> list[PullReport]:
        """Pull Systems one after the other, a moment apart."""
        reports = []
        for system in systems or tuple(self.pulls.connectors):
            self.county.clock.tick(seconds=1)  # type: ignore[attr-defined]  # it is the hand clock
            reports += await pull_now(self.pulls, system, **how)
        return reports

    async def place(self, code: str) -> Place | None:
        """The Place somebody at the county opens by a code."""
        scope = Scope("ada", Role.STAFF, COUNTY)
        return (await self.county.store.read(lambda s: places.find(s, scope, [code]))).get(code)

    async def codes(self, code: str) -> set[str]:
        """Every code by which the Place of a code is known."""
        place = await self.place(code)
        if place is None:
            return set()
        found = await self.county.store.read(lambda s: places.aliases(s, [place.id])[place.id])
        return {alias.code for alias in found}

    async def keys(self, code: str) -> dict[str, str]:
        """Which own number each System is told when something is filed at the Place of a code."""
        place = await self.place(code)
        assert place is not None
        found = await self.county.store.read(lambda s: places.aliases(s, [place.id])[place.id])
        return {alias.issuer: alias.code for alias in found if alias.is_key}

    async def known(self, code: str) -> dict[str, Any]:
        """What is offered at the Place of a code: element to value, of each System."""
        place = await self.place(code)
        if place is None:
            return {}
        return {f"{one.system} {one.element}": one.value for one in await self.snapshots(place.id)}

    async def snapshots(self, place_id: str) -> list[Snapshot]:
        return await self.county.store.read(lambda s: places.snapshots(s, [place_id])[place_id])

    async def open(self) -> dict[tuple[str, str, str], OpenItem]:
        """What is open: kind, row and field. Each can be told to people."""
        found = await self.county.rows(OpenItem, state="open")
        assert all(self.county.catalog.messages.both(item.reason, **item.params) for item in found)
        return {(item.kind, item.row_key, item.field): item for item in found}

    async def history(self) -> list[tuple[str, str, Any]]:
        """What was told before: how it ended, what it was, its value."""
        return [(row.fate, row.element or row.issuer, row.value) for row in await self.county.rows(PlaceHistory)]

    async def counts(self) -> tuple[int, int, int]:
        """How many Places, codes and rows there are."""
        rows = self.county.rows
        return len(await rows(Place)), len(await rows(Alias)), len(await rows(PullRow))
