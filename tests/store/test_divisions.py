"""The division table on both databases: what was valid when, as we knew it when."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from hub.errors import Problem
from hub.model import Division
from hub.store import Store
from hub.store.query import divisions, places
from hub.store.query.divisions import DivisionLine, read_lines

JAN, JUN, SEP = date(2026, 1, 1), date(2026, 6, 1), date(2026, 9, 1)
KNOWN_1, KNOWN_2, KNOWN_3 = (datetime(2026, month, 15, tzinfo=UTC) for month in (1, 6, 10))
OLD = DivisionLine("330783005004", "village", "老村", "330783005000")
NEW = DivisionLine("330783005004", "village", "新村", "330783005000")
TOWN = DivisionLine("330783005000", "town", "镇", "330783000000")


async def put(store: Store, lines: list[DivisionLine], on: date, known: datetime) -> int:
    return await store.write(lambda session: divisions.import_lines(session, lines, on, known))


async def name(store: Store, on: date, known: datetime | None = None) -> str | None:
    found = await store.read(lambda session: places.division(session, OLD.code, on, known))
    return found.name if found else None


async def test_a_rename_is_seen_on_both_axes_of_time(store: Store) -> None:
    assert await put(store, [OLD, TOWN], JAN, KNOWN_1) == 2
    assert await put(store, [NEW, TOWN], SEP, KNOWN_2) == 1
    assert [await name(store, day) for day in (date(2025, 12, 31), JAN, date(2026, 8, 31), SEP)] == [
        None, "老村", "老村", "新村",
    ]  # fmt: skip
    assert await name(store, SEP, known=KNOWN_1) == "老村"
    assert await name(store, SEP, known=KNOWN_2) == "新村"
    assert await name(store, JUN, known=KNOWN_2) == "老村"
    assert await name(store, JAN, known=datetime(2026, 1, 14, tzinfo=UTC)) is None
    names = await store.read(lambda session: places.division_names(session, [OLD.code, TOWN.code, "330783999000"]))
    assert names == {OLD.code: "新村", TOWN.code: "镇"}


async def test_nothing_is_ever_edited_away(store: Store) -> None:
    await put(store, [OLD], JAN, KNOWN_1)
    await put(store, [NEW], SEP, KNOWN_2)
    rows = await store.read(lambda session: list(session.exec(places.select(Division))))
    told = sorted(
        (r.name, r.valid_from, r.valid_to, r.recorded_at, r.superseded_at) for r in rows if r.superseded_at is None
    )
    assert told == [("新村", SEP, None, KNOWN_2, None), ("老村", JAN, SEP, KNOWN_2, None)]
    (before,) = [row for row in rows if row.superseded_at is not None]
    assert (before.name, before.valid_to, before.recorded_at, before.superseded_at) == ("老村", None, KNOWN_1, KNOWN_2)


async def test_the_same_list_again_changes_nothing(store: Store) -> None:
    assert await put(store, [OLD, TOWN], JAN, KNOWN_1) == 2
    assert await put(store, [OLD, TOWN], SEP, KNOWN_2) == 0
    assert await put(store, [], SEP, KNOWN_2) == 0
    assert await name(store, SEP) == "老村"


@pytest.mark.parametrize("change", [{"parent_code": "330783006000"}, {"level": "community"}])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_move_and_a_change_of_level_count_too(store: Store, change: dict[str, str]) -> None:
    await put(store, [OLD], JAN, KNOWN_1)
    assert await put(store, [DivisionLine(**vars(OLD) | change)], SEP, KNOWN_2) == 1
    found = await store.read(lambda session: places.division(session, OLD.code, SEP))
    assert found is not None
    assert vars(found).items() >= change.items()


async def test_a_code_twice_in_one_list_is_one_division(store: Store) -> None:
    assert await put(store, [OLD, OLD], JAN, KNOWN_1) == 1
    assert await put(store, [TOWN, NEW, NEW], SEP, KNOWN_2) == 2
    assert await name(store, SEP) == "新村"
    await put(store, [OLD, NEW], SEP, KNOWN_3)
    rows = await store.read(lambda session: list(session.exec(places.select(Division))))
    assert len([row for row in rows if row.valid_to is None and row.superseded_at is None]) == 2


HEADER = "code,level,name,parent_code\n"


def test_a_list_is_read_with_its_byte_order_mark_and_spaces(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        f"\ufeff{HEADER}330783005004, village ,老村,330783005000\n330783005000,town,镇,\n", encoding="utf-8"
    )
    assert list(read_lines(file)) == [OLD, DivisionLine("330783005000", "town", "镇", "")]


@pytest.mark.parametrize(
    "line",
    [
        "33078300500,village,少一位,",
        "33078300500X,village,字母,",
        "٣٣٠٧٨٣٠٠٥٠٠٤,village,数字,",
        "330783005004,village,,",
        "x",
    ],
)
def test_a_line_that_is_no_division_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text(f"{HEADER}330783005000,town,镇,\n{line}\n", encoding="utf-8")
    with pytest.raises(Problem) as caught:
        list(read_lines(file))
    assert (caught.value.code, caught.value.params) == ("division.bad_line", {"file": "list.csv", "line": 3})


def test_a_list_in_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(f"{HEADER}330783005004,village,老村,\n".encode("gbk"))
    with pytest.raises(Problem) as caught:
        list(read_lines(file))
    assert (caught.value.code, caught.value.params) == ("division.not_utf8", {"file": "list.csv"})
