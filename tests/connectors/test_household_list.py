"""How 走村入户's list is read while rows move in it: by its first page only, and by numbered pages where it must be."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.household_visit.households import Listing
from connectors.household_visit.mapping import Households, read_time
from hub.sdk import Unavailable


class Vendor:
    """A list of households in memory: exactly what the vendor documents, and what happens to it while it is read."""

    def __init__(self, rows: list[tuple[str, str]], page_rows: int = 2, now: str = "2026-03-01 12:00:00") -> None:
        self.rows, self.page_rows, self.now = rows, page_rows, now
        self.asked: list[tuple[str, int]] = []
        self.then: dict[int, Callable[[], object]] = {}
        """What happens after which request."""

    async def ask(self, since: datetime | None, number: int) -> Households:
        text = f"{since:%Y-%m-%d %H:%M:%S}" if since else ""
        self.asked.append((text, number))
        found = sorted((time, code) for code, time in self.rows if time >= text)
        shown = found[(number - 1) * self.page_rows : number * self.page_rows]
        answer = Households(
            rows=[{"householdCode": code, "updatedAt": time} for time, code in shown],
            total=len(found),
            pages=-(-len(found) // self.page_rows),
            serverTime=self.now,
        )
        self.then.get(len(self.asked), lambda: None)()
        return answer

    async def read(self, since: str = "") -> tuple[list[str], bool]:
        """What a reading hands on, and whether it vouches for that."""
        batches = [each async for each in Listing(self.ask, read_time(since) if since else None).batches()]
        told = [row["householdCode"] for each in batches for row in each.page.rows]
        return told, batches[-1].page.complete if batches else False


def at(second: int) -> str:
    return f"2026-03-01 08:00:{second:02d}"


@pytest.mark.case("C01")
async def test_many_rows_of_one_time_are_read_by_pages_until_two_readings_agree() -> None:
    vendor = Vendor([("a", at(1)), *((f"m{n}", at(2)) for n in range(7)), ("z", at(3))])
    assert await vendor.read() == (["a", *(f"m{n}" for n in range(7)), "z"], True)
    numbered = [number for since, number in vendor.asked if since == at(2)]
    assert numbered == [1, *[1, 2, 3, 4] * 2]


@pytest.mark.case("C01")
@pytest.mark.parametrize("request_number", range(1, 14))
@pytest.mark.parametrize("row", range(7))
async def test_a_row_that_leaves_those_of_one_time_takes_none_with_it(request_number: int, row: int) -> None:
    """Every row of them, after every request of the reading."""
    vendor = Vendor([("a", at(1)), *((f"m{n}", at(2)) for n in range(7)), ("z", at(3))])

    def update() -> None:
        vendor.rows = [(code, at(9) if code == f"m{row}" else time) for code, time in vendor.rows]

    vendor.then[request_number] = update
    told, complete = await vendor.read()
    assert set(told) == {"a", "z", *(f"m{n}" for n in range(7))}
    assert complete


@pytest.mark.case("C01")
@pytest.mark.parametrize("request_number", range(1, 14))
@pytest.mark.parametrize("back_to", [1, 2])
async def test_a_row_that_goes_back_in_time_is_read_or_the_reading_is_not_whole(
    request_number: int, back_to: int
) -> None:
    """A transaction that began earlier commits late: its row moves to where the reading has been already."""
    vendor = Vendor([("a", at(1)), *((f"m{n}", at(2)) for n in range(7)), ("z", at(3))])

    def update() -> None:
        vendor.rows = [(code, at(back_to) if code == "z" else time) for code, time in vendor.rows]

    vendor.then[request_number] = update
    told, complete = await vendor.read()
    assert "z" in told or not complete
    vendor.then.clear()
    told, complete = await vendor.read()
    assert "z" in told
    assert complete


@pytest.mark.fault("F91")
@pytest.mark.case("C69")
async def test_a_list_that_does_not_know_numbers_of_pages_fails_where_they_are_needed() -> None:
    vendor = Vendor([(f"m{n}", at(2)) for n in range(7)])
    with pytest.raises(Unavailable, match="page 2 is page 1 once more"):
        _ = [each async for each in Listing(lambda since, _: vendor.ask(since, 1), None).batches()]


ROW, MOMENT = st.integers(0, 11), st.integers(1, 9)
HAPPENING = st.one_of(
    st.tuples(st.just("update"), ROW, st.integers(10, 59)),
    st.tuples(st.just("late"), ROW, MOMENT),
    st.tuples(st.just("insert"), st.integers(100, 120), st.integers(1, 59)),
    st.tuples(st.just("delete"), st.one_of(ROW, st.integers(100, 120)), MOMENT),
)


@pytest.mark.case("C01")
@settings(max_examples=500, deadline=None)
@given(
    moments=st.lists(MOMENT, min_size=1, max_size=12),
    happens=st.dictionaries(st.integers(1, 25), st.lists(HAPPENING, min_size=1, max_size=2), max_size=6),
    page_rows=st.integers(2, 4),
)
def test_whatever_happens_while_it_is_read_a_reading_called_whole_told_every_row_that_stayed(
    moments: list[int], happens: dict[int, list[tuple[str, int, int]]], page_rows: int
) -> None:
    vendor = Vendor([(f"m{n:03d}", at(moment)) for n, moment in enumerate(moments)], page_rows)
    stayed = {code for code, _ in vendor.rows}

    def happen(events: list[tuple[str, int, int]]) -> None:
        for what, number, moment in events:
            rows, code = dict(vendor.rows), f"m{number:03d}"
            if what == "delete":
                rows.pop(code, None)
                stayed.discard(code)
            elif what == "insert" or code in rows:
                rows[code] = at(moment)
            vendor.rows = list(rows.items())

    vendor.then = {number: partial(happen, events) for number, events in happens.items()}
    try:
        told, complete = asyncio.run(vendor.read())
    except Unavailable:
        told, complete = [], False
    # Its one number of rows cannot show that a row moved back in time while another was entered and a third deleted.
    beyond_proof = {"late", "insert", "delete"} <= {what for events in happens.values() for what, _, _ in events}
    assert stayed <= set(told) or not complete or beyond_proof
    vendor.then.clear()
    assert asyncio.run(vendor.read())[1]
    assert set(asyncio.run(vendor.read())[0]) == {code for code, _ in vendor.rows}


@pytest.mark.case("C01")
async def test_rows_of_one_time_that_never_come_to_rest_fail() -> None:
    vendor = Vendor([(f"m{n:02d}", at(2)) for n in range(10)])
    vendor.then = {n: partial(vendor.rows.append, (f"k{n:04d}", at(2))) for n in range(1000)}
    with pytest.raises(Unavailable, match="changed on and on"):
        await vendor.read()


@pytest.mark.case("C01")
async def test_rows_without_a_readable_time_are_read_too() -> None:
    odd = [("n1", ""), ("n2", ""), ("n3", "0001-01-01 00:00:00"), ("y", "9999-12-31 23:59:59"), ("w", "待定")]
    vendor = Vendor([*odd, *((f"m{n}", at(n)) for n in range(5))])
    told, complete = await vendor.read()
    assert sorted(told) == sorted({code for code, _ in vendor.rows})
    assert complete


@pytest.mark.case("C02")
async def test_a_row_a_little_ahead_is_none_and_one_far_ahead_is_told() -> None:
    vendor = Vendor([("a", at(1)), ("b", "2026-03-01 12:04:00"), ("c", "2099-01-01 00:00:00")], page_rows=5)
    batches = [each async for each in Listing(vendor.ask, None).batches()]
    assert batches[0].mark == read_time(vendor.now), "the mark never passes the System's own now"
    assert batches[0].page.ahead == (
        "household c is dated 2099-01-01 00:00:00, the System's own now is 2026-03-01 12:00:00"
    )


@pytest.mark.fault("F91")
@pytest.mark.case("C69")
@pytest.mark.parametrize(
    "rows",
    [[("b", at(2)), ("a", at(1))], [("a", at(1)), ("c", "2099-01-01 00:00:00"), ("b", at(2))]],
    ids=["two changed places", "one far ahead in the middle"],
)
async def test_a_list_in_another_order_than_documented_fails(rows: list[tuple[str, str]]) -> None:
    """One could not go on from its last row."""
    shown = [{"householdCode": code, "updatedAt": time} for code, time in rows]

    async def ask(_: datetime | None, __: int) -> Households:
        return Households(rows=shown, total=len(shown), pages=1, serverTime="2026-03-01 12:00:00")

    with pytest.raises(Unavailable, match="not in the order of change"):
        _ = [each async for each in Listing(ask, None).batches()]


@pytest.mark.case("C01")
async def test_a_household_changed_in_the_running_second_is_read_and_so_is_what_changes_in_it_later() -> None:
    vendor = Vendor([("a", at(1)), ("b", at(2))], now=at(2))
    assert (await vendor.read())[0] == ["a", "b"]
    vendor.rows.append(("0", at(2)))
    assert "0" in (await vendor.read(at(1)))[0]
