"""Every way to lose a row in silence, tried on every connector that reads, against its simulator.

A new folder is tested with no line here: its simulator offers `sources`, see docs/how-to/add-a-connector.md.
"""

from collections.abc import AsyncIterator
from functools import partial

import pytest

from tests.connectors.sources import MOST_GAPS, SOURCES, WHENS, Reader, Source, Step, filled, rows_for, source_of
from tests.connectors.system import System

pytestmark = pytest.mark.parametrize(("kind", "name"), SOURCES)


@pytest.fixture
def source(shared: System, name: str) -> Source:
    return source_of(shared, name)


@pytest.fixture
async def reader(shared: System, name: str, source: Source) -> AsyncIterator[Reader]:
    async with shared.connector() as connector:
        yield Reader(connector, name, source)


@pytest.fixture
def count(source: Source) -> int:
    return rows_for(source)


@pytest.mark.case("C01")
async def test_a_row_updated_between_two_pages(reader: Reader, source: Source, count: int) -> None:
    """The first row moves to the end of the order, and what stood behind it moves up by one."""
    gaps = await filled(reader)
    for gap in range(gaps):
        reader.values.clear()
        await reader.whole(*[lambda: None] * gap, partial(source.put, [gap + 1], f"updated{gap}"))
        assert set(reader.values) == set(source.held()), "a row slid past"
        await reader.news()
        assert reader.values == source.held()


@pytest.mark.case("C01")
async def test_every_page_sees_rows_move(reader: Reader, source: Source, count: int) -> None:
    gaps = await filled(reader)
    reader.values.clear()
    await reader.whole(*(partial(source.put, [n % count + 1], f"moved{n}") for n in range(gaps)))
    assert set(reader.values) == set(source.held()), "a row slid past"
    await reader.news()
    assert reader.values == source.held()


@pytest.mark.case("C01")
async def test_a_row_inserted_between_two_pages(reader: Reader, source: Source, count: int) -> None:
    """One that stands before what was read, one inside what is to come, one at the end."""
    gaps = await filled(reader)
    for gap in range(gaps):
        for n, when in enumerate(WHENS):
            await reader.whole(*[lambda: None] * gap, partial(source.put, [1000 + 10 * gap + n], "inserted", when))
            await reader.whole()
            assert reader.complete
            assert reader.values == source.held()


@pytest.mark.case("C01")
async def test_rows_with_equal_marks_across_borders_of_pages(reader: Reader, source: Source, count: int) -> None:
    """An import gives all its rows one time of change: more than there are on a page, or on two."""
    source.fill(3)
    source.put(range(10, 10 + count), "imported")
    await reader.whole()
    assert reader.complete
    assert reader.values == source.held()
    await reader.news()
    assert reader.values == source.held()


@pytest.mark.case("C01")
async def test_a_row_leaves_many_of_equal_mark_while_they_are_read(reader: Reader, source: Source, count: int) -> None:
    source.put(range(10, 10 + count), "imported", "long_ago" if source.page_rows > 100 else "now")
    await reader.whole()
    for gap in range(min(len(reader.pages) - 1, MOST_GAPS)):
        reader.values.clear()
        await reader.whole(*[lambda: None] * gap, partial(source.put, [10 + gap], f"left{gap}"))
        assert set(reader.values) == set(source.held()), "a row slid past"
        await reader.news()
        assert reader.values == source.held()


@pytest.mark.case("C01")
async def test_a_row_committed_late_with_an_earlier_mark(reader: Reader, source: Source, count: int) -> None:
    await filled(reader)
    source.put([1, 2000], "late", "late")
    await reader.news()
    assert reader.values == source.held()


@pytest.mark.case("C01")
async def test_a_row_committed_long_after_its_mark_comes_with_the_next_whole_reading(
    reader: Reader, source: Source, count: int
) -> None:
    await filled(reader)
    source.put([2000], "very late", "long_ago")
    await reader.news()
    await reader.whole()
    assert reader.complete
    assert reader.values == source.held()


@pytest.mark.case("C11")
async def test_a_row_that_is_gone(reader: Reader, source: Source, count: int) -> None:
    """It is told, or it is missing from the next whole reading, and nothing else is."""
    await filled(reader)
    for number in (2, count):
        source.remove(number)
        await reader.news()
        assert set(source.held()) <= set(reader.values)
        await reader.whole()
        assert reader.complete
        assert reader.values == source.held()


@pytest.mark.case("C11")
async def test_a_row_that_goes_while_it_is_read(reader: Reader, source: Source, count: int) -> None:
    gaps = await filled(reader)
    for gap in range(gaps):
        await reader.whole(*[lambda: None] * gap, partial(source.remove, gap + 1))
        assert set(source.held()) <= set(reader.values), "a row that is there is taken for gone"
        await reader.whole()
        assert reader.complete
        assert reader.values == source.held()


@pytest.mark.case("C11")
async def test_a_row_that_moves_and_comes_back(reader: Reader, source: Source, count: int) -> None:
    await filled(reader)
    source.put([1], "elsewhere")
    await reader.news()
    source.put([1], "filled")
    await reader.news()
    assert reader.values == source.held()
    source.remove(1)
    await reader.whole()
    assert source.key_of(1) not in reader.values
    source.put([1], "back")
    await reader.news()
    assert reader.values == source.held()


@pytest.mark.case("C11")
async def test_a_row_that_goes_and_comes_back_while_it_is_read(reader: Reader, source: Source, count: int) -> None:
    """The list is at its end what it was at its beginning, and was not in between."""
    gaps = await filled(reader)
    where = [count] if gaps < 2 else [count // 2 + 1, count]
    for number in where:
        steps: list[Step] = [
            partial(source.remove, number),
            *[lambda: None] * (gaps - 2),
            partial(source.put, [number], "filled"),
        ]
        await reader.whole(*steps[-gaps:] if gaps else [])
        if not reader.complete:
            await reader.whole()
        assert reader.complete
        assert reader.values == source.held()
