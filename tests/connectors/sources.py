"""What simulators offer to be read, changed while it is read; and a reader's memory of it, as the hub keeps one."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from hub.sdk import Connector, Page
from tests.connectors.system import FOLDERS, System, part

When = Literal["now", "late", "long_ago", "ahead"]
WHENS: tuple[When, ...] = ("long_ago", "late", "now")
Step = Callable[[], object]


PAGES = 3
MOST_GAPS = 3
SOURCES = [(kind, name) for kind in sorted(FOLDERS) for name in part(kind, "connector").Connector.capabilities.sources]
"""Everything that can be pulled, by connector folder."""


class Source(Protocol):
    """What `simulator.sources(directory)` holds for each source; docs/how-to/add-a-connector.md describes it."""

    key: str
    page_rows: int
    tells: frozenset[str]
    listed: str

    def fill(self, count: int) -> None: ...
    def put(self, numbers: Iterable[int], value: str, when: When = "now") -> None: ...
    def remove(self, number: int) -> None: ...
    def held(self) -> dict[str, str]: ...
    def key_of(self, number: int) -> str: ...
    def value_of(self, row: Mapping[str, Any]) -> str: ...


def source_of(system: System, name: str) -> Source:
    """The source of a running System."""
    found: Source = part(system.kind, "simulator").sources(system.directory)[name]
    return found


@dataclass
class Reader:
    """Reads one source again and again and keeps what it was told, as the hub does."""

    connector: Connector
    name: str
    source: Source
    cursor: str = ""
    values: dict[str, str] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)
    """The pages of the latest pull."""

    async def whole(self, *between: Step) -> None:
        """Read everything; what a complete reading does not tell is no more."""
        self.cursor = ""
        await self.news(*between)

    async def news(self, *between: Step) -> None:
        """Read on from the cursor; after each page is kept, the next of `between` happens to the System."""
        told, self.pages, steps = set[str](), [], list(between)
        async for page in self.connector.pull(self.name, self.cursor):
            told |= self._keep(page)
            self.pages.append(page)
            self.cursor = page.cursor
            if steps:
                await asyncio.to_thread(steps.pop(0))
        assert not steps, "the reading ended before all of it had happened"
        if self.complete:
            self.values = {key: value for key, value in self.values.items() if key in told}

    def _keep(self, page: Page) -> set[str]:
        rows = {row[self.source.key]: self.source.value_of(row) for row in page.rows}
        self.values |= rows
        for key in page.gone:
            self.values.pop(key, None)
        return {*rows, *(each.key for each in page.left_out)}

    @property
    def complete(self) -> bool:
        """Whether the latest pull vouches for having told every row."""
        return bool(self.pages) and self.pages[-1].complete

    @property
    def ahead(self) -> str:
        """What the latest pull said lies ahead of its source."""
        return "; ".join(page.ahead for page in self.pages if page.ahead)


def rows_for(source: Source) -> int:
    """How many rows to fill a source with: the last of its pages has but a few."""
    return PAGES * source.page_rows - source.page_rows // 2


async def filled(reader: Reader) -> int:
    """Fill the source and read it once; how often something may happen between two pages that have rows."""
    await asyncio.to_thread(reader.source.fill, rows_for(reader.source))
    await reader.whole()
    assert reader.complete
    assert reader.values == reader.source.held()
    return min(sum(bool(page.rows) for page in reader.pages) - 1, MOST_GAPS)
