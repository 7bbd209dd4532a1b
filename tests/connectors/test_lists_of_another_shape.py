"""Lists that are no lists, rows that are no rows, numbers that lie, lists without end: told, and nothing is lost.

A new folder whose lists are JSON is tested with no line here: its simulator's sources say where rows are (`listed`).
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from hub.sdk import Unavailable
from tests.connectors.rewriting import Answer, Change, Rewriting, rewritten
from tests.connectors.sources import SOURCES as EVERY
from tests.connectors.sources import Reader, Source, source_of
from tests.connectors.system import System, part

SOURCES = [(kind, name) for kind, name in EVERY if part(kind, "simulator").sources(Path())[name].listed]
MOST_ASKED = 60
pytestmark = [
    pytest.mark.parametrize(("kind", "name"), SOURCES),
    pytest.mark.case("C69"),
    pytest.mark.fault("F91"),
]


@pytest.fixture
def source(shared: System, name: str) -> Source:
    made = source_of(shared, name)
    made.fill(2 * made.page_rows + 2)
    return made


@pytest.fixture
async def pair(shared: System, name: str, source: Source) -> AsyncIterator[tuple[Reader, Rewriting]]:
    async with rewritten(shared, source.listed) as (connector, between):
        yield Reader(connector, name, source), between


def with_list(listed: str, made: Callable[[list[Any]], object], answers: range = range(1, 1000)) -> Change:
    """Put something else in the place of the list, in some of the answers."""

    def change(number: int, answer: Answer) -> Answer:
        if number in answers:
            answer["data"][listed] = made(answer["data"][listed])
        return answer

    return change


SHAPES: dict[str, Callable[[list[Any]], object]] = {
    "an object": lambda rows: {},
    "an object of rows": lambda rows: dict(enumerate(rows)),
    "null": lambda rows: None,
    "a text": lambda rows: "[]",
    "a number": len,
    "true": lambda rows: True,
    "rows that are lists": lambda rows: [list(row.values()) for row in rows],
    "rows that are texts": lambda rows: [str(row) for row in rows],
    "rows that are null": lambda rows: [None for _ in rows],
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
async def test_what_is_no_list_of_rows_fails_and_moves_no_mark(
    pair: tuple[Reader, Rewriting], source: Source, shape: Callable[[list[Any]], object]
) -> None:
    reader, between = pair
    await reader.whole()
    assert reader.complete
    before = reader.cursor
    for read in (reader.news, reader.whole):
        reader.source.put([1], "changed")
        between.will(with_list(source.listed, shape))
        with pytest.raises(Unavailable):
            await read()
        assert reader.pages == []
        between.will(lambda _, answer: answer)
        reader.cursor = before
        await reader.news()
        assert reader.values == source.held()


@pytest.mark.parametrize("data", [[], None, "", {}, [[]]], ids=repr)
async def test_data_of_another_shape_fails(pair: tuple[Reader, Rewriting], data: object) -> None:
    reader, between = pair
    between.will(lambda _, answer: {**answer, "data": data})
    with pytest.raises(Unavailable):
        await reader.whole()
    assert reader.pages == []


ROWS: dict[str, Callable[[str], object]] = {
    "a list": lambda key: ["x", 1],
    "a text": lambda key: "x",
    "null": lambda key: None,
    "a number": lambda key: 7,
    "an object without a key": lambda key: {},
    "an object whose key is null": lambda key: {key: None},
    "an object whose key is blank": lambda key: {key: " "},
    "an object whose key is an object": lambda key: {key: {"a": 1}},
    "an object whose key is true": lambda key: {key: True},
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
@pytest.mark.parametrize("place", [0, -1])
async def test_a_row_of_another_shape_is_named_and_all_others_are_read(
    pair: tuple[Reader, Rewriting], source: Source, row: Callable[[str], object], place: int
) -> None:
    """It stands beside the others of the first page, at its beginning or its end."""
    reader, between = pair

    def change(rows: list[Any]) -> list[Any]:
        at = place if place == 0 else len(rows)
        return [*rows[:at], row(source.key), *rows[at:]]

    between.will(with_list(source.listed, change, range(1, 2)))
    await reader.whole()
    assert reader.values == source.held()
    left_out = [each for page in reader.pages for each in page.left_out]
    assert [each.key for each in left_out] == [""]
    assert "of its page" in left_out[0].reason
    assert not reader.complete, "the row that could not be read may be one that is known"
    between.will(lambda _, answer: answer)
    await reader.whole()
    assert reader.complete


def always(change: Callable[[dict[str, Any]], object]) -> Change:
    """Change what every answer says beside its list."""

    def changed(_: int, answer: Answer) -> Answer:
        change(answer["data"])
        return answer

    return changed


def says_more(data: dict[str, Any]) -> None:
    data.update({name: value for name, value in {"more": True, "pages": 10**6, "total": 10**6}.items() if name in data})


def repeats_next(data: dict[str, Any]) -> None:
    data.update({"more": True, "pages": 10**6, "total": 10**6, "next": "11", "version": data.get("version", "")})


LIES: dict[str, Change] = {
    "there is always more": always(says_more),
    "there is always more, after the same": always(repeats_next),
    "there are a million": always(lambda data: data.update({n: 10**6 for n in ("total", "pages") if n in data})),
    "the next is junk": always(lambda data: data.update(next="to be continued", version="", serverTime="tomorrow")),
    "the next is negative": always(lambda data: data.update(next="-5", more=True, total=-1, version="")),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
async def test_a_list_that_lies_about_its_end_ends_and_is_not_believed(
    pair: tuple[Reader, Rewriting], source: Source, lie: Change
) -> None:
    reader, between = pair
    between.will(lie)
    try:
        await reader.whole()
    except Unavailable:
        pass
    else:
        assert not reader.complete
        assert reader.values == source.held()
    assert between.lists < MOST_ASKED
    between.will(lambda _, answer: answer)
    await reader.news()
    await reader.whole()
    assert reader.complete
    assert reader.values == source.held()


async def test_a_list_that_says_it_holds_nothing_is_read_to_its_end(
    pair: tuple[Reader, Rewriting], source: Source
) -> None:
    reader, between = pair
    between.will(always(lambda data: data.update({name: 0 for name in ("total", "pages") if name in data})))
    await reader.whole()
    assert reader.values == source.held()


async def test_a_list_that_shows_its_first_page_again_and_again_ends(
    pair: tuple[Reader, Rewriting], source: Source
) -> None:
    """It does not know the parameter by which one goes on."""
    reader, between = pair
    first: list[Answer] = []

    def change(number: int, answer: Answer) -> Answer:
        first.append(answer)
        return first[0]

    between.will(change)
    with pytest.raises(Unavailable):
        await reader.whole()
    assert between.lists < MOST_ASKED


@pytest.mark.parametrize("number", [2, 3])
async def test_an_empty_page_in_the_middle_is_no_end(
    pair: tuple[Reader, Rewriting], source: Source, number: int
) -> None:
    reader, between = pair
    between.will(with_list(source.listed, lambda _: [], range(number, number + 1)))
    try:
        await reader.whole()
    except Unavailable:
        pass
    else:
        assert not reader.complete or reader.values == source.held()
    await reader.news()
    await reader.whole()
    assert reader.complete
    assert reader.values == source.held()


@pytest.mark.parametrize("kept", [0, 1])
async def test_a_page_that_is_cut_is_no_whole_one(pair: tuple[Reader, Rewriting], source: Source, kept: int) -> None:
    """Each page in turn; what is said beside the list stays."""
    reader, between = pair
    await reader.whole()
    for number in range(1, between.lists + 1):
        reader.values.clear()
        between.will(with_list(source.listed, lambda rows: rows[:kept], range(number, number + 1)))
        try:
            await reader.whole()
        except Unavailable:
            pass
        else:
            assert not reader.complete or reader.values == source.held()
        await reader.whole()
        assert reader.complete
        assert reader.values == source.held()


@pytest.mark.parametrize("text", ["\ud800", "a\udc00b", "\0", "陈\0大山"], ids=ascii)
async def test_text_no_database_keeps_is_handed_on_for_the_hub_to_judge(
    pair: tuple[Reader, Rewriting], source: Source, text: str
) -> None:
    reader, between = pair

    def change(rows: list[Any]) -> list[Any]:
        return [{**row, "remark": text} if source.value_of(row) == "odd" else row for row in rows]

    source.put([2], "odd")
    between.will(with_list(source.listed, change))
    await reader.whole()
    assert reader.complete
    remarks = [row.get("remark") for page in reader.pages for row in page.rows if row[source.key] == source.key_of(2)]
    assert set(remarks) == {text}


@pytest.mark.parametrize("text", ["\ud800", "\0"], ids=ascii)
async def test_a_key_no_address_can_carry_stops_nobody(
    pair: tuple[Reader, Rewriting], source: Source, text: str
) -> None:
    reader, between = pair

    def change(rows: list[Any]) -> list[Any]:
        return [*rows, {**rows[-1], source.key: rows[-1][source.key] + text}] if rows else rows

    between.will(with_list(source.listed, change))
    await reader.whole()
    assert source.held().items() <= reader.values.items()
    assert not [page.cursor for page in reader.pages if text in page.cursor]
