"""Sources whose marks lie: dated far ahead, restored from a backup, replaced while read. On every connector that reads.

A new folder is tested with no line here: its simulator offers `sources`, see docs/how-to/add-a-connector.md.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from tests.connectors.sources import SOURCES, Reader, Source, filled, source_of
from tests.connectors.system import System

pytestmark = pytest.mark.parametrize(("kind", "name"), SOURCES)


@pytest.fixture
def source(system: System, name: str) -> Source:
    return source_of(system, name)


@pytest.fixture
async def reader(system: System, name: str, source: Source) -> AsyncIterator[Reader]:
    async with system.connector() as connector:
        yield Reader(connector, name, source)


@pytest.mark.case("C02")
async def test_a_row_dated_2099_keeps_nobody_waiting(reader: Reader, source: Source) -> None:
    await filled(reader)
    for turn in range(2):
        source.put([3000], "dated 2099", "ahead")
        await reader.news()
        assert ("ahead" in source.tells) <= bool(reader.ahead)
        source.put([1, 3001 + turn], f"after{turn}")
        await reader.news()
        assert reader.values == source.held()
    await reader.whole()
    assert reader.values == source.held()
    assert ("ahead" in source.tells) <= bool(reader.ahead)


@pytest.mark.case("C02")
async def test_a_source_restored_from_a_backup(system: System, reader: Reader, source: Source) -> None:
    """What was changed or entered since the backup is undone there, and its numbers and versions are lower again."""
    await filled(reader)
    await back_up(system)
    source.put([1, 2, 4000], "undone")
    await reader.news()
    assert reader.values == source.held()
    await restore(system)
    await reader.news()
    assert reader.values == source.held()
    assert ("restored" in source.tells) <= bool(reader.ahead)
    await reader.news()
    assert not reader.ahead
    source.put([2, 4001], "after")
    await reader.news()
    assert reader.values == source.held()


@pytest.mark.case("C02")
async def test_a_source_restored_and_changed_before_anybody_read_it(
    system: System, reader: Reader, source: Source
) -> None:
    await filled(reader)
    await back_up(system)
    source.put([1, 2, 4000], "undone")
    await reader.news()
    await restore(system)
    source.put([2, 4001], "after")
    await reader.news()
    assert {reader.values[source.key_of(n)] for n in (2, 4001)} == {"after"}
    await reader.whole()
    assert reader.complete
    assert reader.values == source.held()


@pytest.mark.case("C01", "C02")
async def test_a_source_replaced_while_it_is_read(system: System, reader: Reader, source: Source) -> None:
    """An import is rolled back, or an export replaced or cleared, between two pages."""
    gaps = await filled(reader)
    await back_up(system)
    source.put([1, 2, 4000], "undone")
    await reader.whole(*[lambda: None] * (gaps // 2), partial(asyncio.run, restore(system)))
    for _ in range(2):
        await reader.news()
    await reader.whole()
    assert reader.complete
    assert reader.values == source.held()


def copy_of(system: System) -> Path:
    return system.directory.with_name("backup")


async def back_up(system: System) -> None:
    """Copy all the System keeps, as its operators do every night."""
    await asyncio.to_thread(system.stop)
    shutil.copytree(system.directory, copy_of(system))
    await asyncio.to_thread(system.start)


async def restore(system: System) -> None:
    """Put the copy back."""
    await asyncio.to_thread(system.stop)
    shutil.rmtree(system.directory)
    shutil.copytree(copy_of(system), system.directory)
    await asyncio.to_thread(system.start)
