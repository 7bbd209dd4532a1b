"""Reading lists that move: marks and what lies ahead of them, rows that are none, readings that would not end."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.sdk import LeftOut, Page, Unavailable
from hub.sdk.reading import Batch, Marks, Progress, keyed_rows, read_changes

MARKS = Marks(str, int, lambda mark: mark - 2)


class Changes:
    """A numbered list of changes, two to a batch; remembers from where it was read."""

    def __init__(self, *numbers: int, newest: int = 1000) -> None:
        self.numbers, self.newest = numbers, newest
        self.asked: list[int | None] = []

    async def batches(self, mark: int | None) -> AsyncIterator[Batch[int]]:
        self.asked.append(mark)
        found = [number for number in self.numbers if number > (mark or 0)]
        for at in range(0, max(len(found), 1), 2):
            part = found[at : at + 2]
            credible = [number for number in part if number <= self.newest]
            ahead = "".join(f"{number} is ahead" for number in part if number > self.newest)
            rows = tuple({"n": number} for number in part)
            page = Page(rows, "", datetime(2026, 11, 30, tzinfo=UTC), complete=at + 2 >= len(found), ahead=ahead)
            yield Batch(page, max(credible, default=None))

    async def read(self, cursor: str) -> list[Page]:
        return [page async for page in read_changes(self.batches, MARKS, cursor)]


def numbers(pages: list[Page]) -> list[int]:
    return [row["n"] for page in pages for row in page.rows]


async def test_without_a_cursor_all_is_read() -> None:
    changes = Changes(1, 2, 3, 4, 5)
    pages = await changes.read("")
    assert numbers(pages) == [1, 2, 3, 4, 5]
    assert [(page.cursor, page.complete, page.ahead) for page in pages] == [
        ("2", False, ""),
        ("4", False, ""),
        ("5", True, ""),
    ]
    assert changes.asked == [None]


async def test_an_empty_list_is_whole_and_has_no_mark() -> None:
    (page,) = await Changes().read("")
    assert (page.rows, page.cursor, page.complete) == ((), "", True)


async def test_a_little_from_before_the_mark_is_read_again_and_the_mark_never_goes_back() -> None:
    changes = Changes(1, 2, 3, 4, 5, 6)
    pages = await changes.read("5")
    assert numbers(pages) == [4, 5, 6]
    assert [(page.cursor, page.complete) for page in pages] == [("5", False), ("6", False)]
    assert changes.asked == [3]


@pytest.mark.case("C02")
@pytest.mark.parametrize(("cursor", "there"), [("7", "6"), ("9", "nothing since 7"), ("900", "nothing since 898")])
async def test_a_mark_ahead_of_its_source_is_told_and_all_is_read(cursor: str, there: str) -> None:
    """Restored from a backup: numbers are lower again."""
    changes = Changes(1, 2, 3, 4, 5, 6)
    pages = await changes.read(cursor)
    window = len(pages) - 3
    assert numbers(pages[window:]) == [1, 2, 3, 4, 5, 6]
    assert [page.cursor for page in pages] == [cursor] * window + ["2", "4", "6"]
    assert [page.complete for page in pages[window:]] == [False, False, True]
    assert [page.ahead for page in pages[window:]] == [
        f"the mark {cursor} lies ahead of the newest there ({there}); all is read again",
        "",
        "",
    ]
    assert changes.asked == [int(cursor) - 2, None]


@pytest.mark.case("C02")
async def test_a_row_ahead_of_everything_moves_no_mark() -> None:
    changes = Changes(1, 2, 3, 10**9, newest=3)
    pages = await changes.read("")
    assert [(page.cursor, page.ahead) for page in pages] == [("2", ""), ("3", "1000000000 is ahead")]
    changes.numbers = (1, 2, 3, 4, 10**9)
    changes.newest = 4
    assert numbers(await changes.read("3")) == [2, 3, 4, 10**9]


@pytest.mark.case("C02")
async def test_a_list_of_nothing_but_rows_ahead_is_read_whole_each_time() -> None:
    changes = Changes(10**9, newest=3)
    (page,) = await changes.read("")
    assert (page.cursor, page.complete) == ("", True)


@pytest.mark.parametrize("cursor", ["yesterday", "3|x", "\ud800"])
async def test_a_cursor_that_cannot_be_read_is_told_and_all_is_read(cursor: str) -> None:
    pages = await Changes(1, 2, 3).read(cursor)
    assert numbers(pages) == [1, 2, 3]
    assert [page.ahead for page in pages] == [f"{cursor!r} is no mark of this list; all is read again", ""]


async def test_a_reading_that_breaks_off_again_and_again_does_not_creep_back() -> None:
    changes = Changes(*range(1, 50))
    pages = read_changes(changes.batches, MARKS, "40")
    first = await anext(pages)
    assert (numbers([first]), first.cursor) == ([39, 40], "40")


# --- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.fault("F91")
@pytest.mark.case("C69")
@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (["a"], "is a list, not an object"),
        ("a", "is a text, not an object"),
        (None, "is null, not an object"),
        (1, "is a number, not an object"),
        ({}, "has no code"),
        ({"code": ""}, "has no code"),
        ({"code": "\u3000"}, "has no code"),
        ({"code": None}, "has no code"),
        ({"code": True}, "has no code"),
        ({"code": ["a"]}, "has no code"),
        ({"code": 1.5}, "has no code"),
    ],
)
def test_a_row_without_a_key_is_named_by_its_place(row: object, fault: str) -> None:
    good: list[Any] = [{"code": "a"}, {"code": 7, "more": ["\ud800"]}]
    assert keyed_rows([good[0], row, good[1]], "code") == (tuple(good), (LeftOut("", f"row 2 of its page {fault}"),))


@pytest.mark.fault("F91")
@pytest.mark.case("C69")
@pytest.mark.parametrize("listed", [[None, None], ["a", "b"], [[], []], [1, 2, 3]])
def test_a_page_without_any_object_is_no_page(listed: list[object]) -> None:
    with pytest.raises(Unavailable, match=f"none of the {len(listed)} rows of a page is an object"):
        keyed_rows(listed, "code")


def test_one_odd_row_alone_on_its_page_is_left_out() -> None:
    assert keyed_rows([None], "code") == ((), (LeftOut("", "row 1 of its page is null, not an object"),))
    assert keyed_rows([], "code") == ((), ())


def test_rows_told_before_are_passed_over_and_keep_their_places() -> None:
    rows: list[Any] = [{"code": "a"}, None, {"code": "b"}]
    found = keyed_rows(rows, "code", told={1})
    assert found == (({"code": "b"},), (LeftOut("", "row 2 of its page is null, not an object"),))


# --- an end -----------------------------------------------------------------------------------------------------------


@pytest.mark.fault("F91")
@pytest.mark.case("C69")
@pytest.mark.parametrize("positions", [["a", "a"], ["a", "b", "c", "a"], [1, 2, 1]])
def test_a_reading_that_comes_back_to_where_it_was_ends(positions: list[object]) -> None:
    progress = Progress("bins")
    for position in positions[:-1]:
        progress.step(position, 1)
    with pytest.raises(Unavailable, match="bins: it says that there is more, and comes back to"):
        progress.step(positions[-1], 1)


@pytest.mark.fault("F91")
@pytest.mark.case("C69")
def test_a_reading_that_is_given_nothing_ends() -> None:
    progress = Progress("bins")
    for position in range(99):
        progress.step(position, 0)
    progress.step("one", 1)
    for position in range(100, 199):
        progress.step(position, 0)
    with pytest.raises(Unavailable, match="has given nothing 100 times"):
        progress.step(200, 0)


@pytest.mark.fault("F91")
@pytest.mark.case("C69")
@pytest.mark.parametrize(("rows", "steps"), [(1, 10), (50, 4)])
def test_a_reading_without_end_ends(rows: int, steps: int) -> None:
    progress = Progress("bins", most_answers=10, most_rows=200)
    for position in range(1, steps):
        progress.step(position, rows)
    with pytest.raises(Unavailable, match=f"no end after {steps} answers and {steps * rows} rows"):
        progress.step(steps, rows)
