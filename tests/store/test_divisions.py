"""The division table on both databases: what was valid when, as we knew it when."""

from datetime import UTC, date, datetime
from itertools import permutations
from pathlib import Path

import pytest

from hub.errors import Problem
from hub.model import Division
from hub.store import Store
from hub.store.query import divisions, places
from hub.store.query.divisions import DivisionLine, read_lines

ROOT = Path(__file__).parents[2]
JAN, JUN, SEP = date(2026, 1, 1), date(2026, 6, 1), date(2026, 9, 1)
KNOWN_1, KNOWN_2, KNOWN_3 = (datetime(2026, month, 15, tzinfo=UTC) for month in (1, 6, 10))
OLD = DivisionLine("330783005004", "village", "老村", "330783005000", 2)
NEW = DivisionLine("330783005004", "village", "新村", "330783005000", 2)
TOWN = DivisionLine("330783005000", "town", "镇", "")


async def put(store: Store, lines: list[DivisionLine], on: date, known: datetime) -> int:
    return await store.write(lambda session: divisions.import_lines(session, lines, on, known))


async def names(store: Store, on: date, *codes: str) -> dict[str, str]:
    return await store.read(lambda session: places.division_names(session, codes, on))


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
    assert await names(store, SEP, OLD.code, TOWN.code, "330783999000") == {OLD.code: "新村", TOWN.code: "镇"}


async def test_nothing_is_ever_edited_away(store: Store) -> None:
    await put(store, [TOWN, OLD], JAN, KNOWN_1)
    await put(store, [NEW], SEP, KNOWN_2)
    rows = await store.read(lambda session: list(session.exec(places.select(Division))))
    told = sorted(
        (r.name, r.valid_from, r.valid_to, r.recorded_at, r.superseded_at)
        for r in rows
        if r.superseded_at is None and r.code == OLD.code
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
    other_town = DivisionLine("330783006000", "town", "另一镇", "")
    await put(store, [TOWN, other_town, OLD], JAN, KNOWN_1)
    assert await put(store, [DivisionLine(**vars(OLD) | change)], SEP, KNOWN_2) == 1
    found = await store.read(lambda session: places.division(session, OLD.code, SEP))
    assert found is not None
    assert vars(found).items() >= change.items()


async def test_a_code_twice_in_one_list_is_one_division(store: Store) -> None:
    assert await put(store, [TOWN, OLD, OLD], JAN, KNOWN_1) == 2
    assert await put(store, [TOWN, NEW, NEW], SEP, KNOWN_2) == 1
    assert await name(store, SEP) == "新村"
    await put(store, [OLD, NEW], SEP, KNOWN_3)
    rows = await store.read(lambda session: list(session.exec(places.select(Division))))
    assert len([row for row in rows if row.valid_to is None and row.superseded_at is None]) == 2


YEAR_2020, YEAR_2026 = date(2020, 1, 1), date(2026, 1, 1)
GONE = DivisionLine("330783005009", "village", "并掉的村", "330783005000", 3)
LATER = DivisionLine("330783005010", "village", "新设的村", "330783005000")


@pytest.mark.case("C48")
async def test_an_older_list_after_a_newer_one_is_history_only(store: Store) -> None:
    await put(store, [TOWN, NEW, LATER], YEAR_2026, KNOWN_1)
    assert await put(store, [TOWN, OLD, GONE], YEAR_2020, KNOWN_2) == 3
    codes = (TOWN.code, OLD.code, GONE.code, LATER.code)
    assert await names(store, SEP, *codes) == {TOWN.code: "镇", OLD.code: "新村", LATER.code: "新设的村"}
    assert await names(store, date(2025, 12, 31), *codes) == {TOWN.code: "镇", OLD.code: "老村", GONE.code: "并掉的村"}
    assert await names(store, date(2019, 12, 31), *codes) == {}
    assert await name(store, SEP, known=KNOWN_2) == "新村"
    assert await name(store, date(2021, 1, 1), known=KNOWN_1) is None, "then we did not know"


@pytest.mark.case("C48")
async def test_lists_in_any_order_come_to_the_same(store: Store) -> None:
    """Three lists of one village, in every order: the same names on every day."""
    lists = {YEAR_2020: OLD, date(2023, 1, 1): DivisionLine(OLD.code, "village", "中村", TOWN.code), YEAR_2026: NEW}
    days = [date(year, 6, 1) for year in (2019, 2020, 2022, 2023, 2025, 2026)]
    for number, order in enumerate(permutations(lists)):
        code = f"33078300{5 + number}004"
        for known, day in zip((KNOWN_1, KNOWN_2, KNOWN_3), order, strict=True):
            line = DivisionLine(code, lists[day].level, lists[day].name, TOWN.code)
            await put(store, [TOWN, line], day, known)
        told = [(await names(store, day, code)).get(code) for day in days]
        assert told == [None, "老村", "老村", "中村", "中村", "新村"], order


@pytest.mark.case("C48", "C47")
async def test_a_list_for_a_day_to_come_changes_no_name_before(store: Store) -> None:
    await put(store, [TOWN, OLD], YEAR_2020, KNOWN_1)
    await put(store, [TOWN, NEW], SEP, KNOWN_2)
    assert await names(store, date(2026, 8, 31), OLD.code) == {OLD.code: "老村"}
    assert await names(store, SEP, OLD.code) == {OLD.code: "新村"}


@pytest.mark.case("C48")
async def test_the_list_of_a_day_again_corrects_that_day(store: Store) -> None:
    await put(store, [TOWN, OLD], YEAR_2026, KNOWN_1)
    assert await put(store, [TOWN, NEW], YEAR_2026, KNOWN_2) == 1
    assert await names(store, YEAR_2026, OLD.code) == {OLD.code: "新村"}
    assert await name(store, SEP, known=KNOWN_1) == "老村"
    rows = await store.read(lambda session: list(session.exec(places.select(Division))))
    assert all(row.valid_to is None or row.valid_from < row.valid_to for row in rows)


@pytest.mark.case("C48")
async def test_a_parent_nobody_knows_keeps_the_whole_list_out(store: Store) -> None:
    with pytest.raises(Problem) as caught:
        await put(store, [NEW, GONE, OLD_TOWN_CHILD], SEP, KNOWN_1)
    assert (caught.value.code, caught.value.status) == ("division.bad_list", 422)
    assert {fault.code for fault in caught.value.faults} == {"division_parent"}
    assert [fault.path for fault in caught.value.faults] == ["/2/parent_code", "/3/parent_code", "/4/parent_code"]
    assert await store.read(lambda session: list(session.exec(places.select(Division)))) == []
    await put(store, [TOWN], SEP, KNOWN_1)
    assert await put(store, [NEW], SEP, KNOWN_2) == 1, "a parent from an earlier list will do"


OLD_TOWN_CHILD = DivisionLine("330783006001", "village", "外村", "330783006000", 4)
HEADER = "code,level,name,parent_code\n"
TOWN_LINE = "330783005000,town,镇,\n"


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "list.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def refusal(file: Path, **how: str) -> list[tuple[str, str]]:
    with pytest.raises(Problem) as caught:
        read_lines(file, **how)
    assert (caught.value.code, caught.value.params) == ("division.bad_list", {})
    return [(fault.path, fault.code) for fault in caught.value.faults]


@pytest.mark.case("C48")
@pytest.mark.parametrize(
    "spelling",
    [
        f"\ufeff{HEADER}330783005004, village ,老村,330783005000\n{TOWN_LINE}",
        f'{HEADER}330783005004,village," 老村\u3000",330783005000\r\n{TOWN_LINE}\r\n',
        '"name","code","parent_code","level"\n老村,330783005004,330783005000,village\n镇,330783005000,"",town\n',
        f" Code , LEVEL,name,parent_code\n330783005004,Village,老村,330783005000\n{TOWN_LINE}",
    ],
    ids=["byte order mark and blanks", "quoted blanks, CRLF and an empty line", "columns in another order", "capitals"],
)
def test_a_list_is_read_however_it_is_laid_out(tmp_path: Path, spelling: str) -> None:
    lines = {(line.code, line.level, line.name, line.parent_code) for line in read_lines(written(tmp_path, spelling))}
    assert lines == {
        ("330783005004", "village", "老村", "330783005000"),
        ("330783005000", "town", "镇", ""),
    }


@pytest.mark.case("C48")
@pytest.mark.parametrize(
    ("line", "place", "code"),
    [
        ("33078300500,village,少一位,330783005000", "code", "division_form"),
        ("3307830050041,village,多一位,330783005000", "code", "division_form"),
        ("33078300500X,village,字母,330783005000", "code", "division_form"),
        ("٣٣٠٧٨٣٠٠٥٠٠٤,village,数字,330783005000", "code", "division_form"),
        ("330783005004,banana,香蕉,330783005000", "level", "division_level"),
        ("330783005004,,没有级别,330783005000", "level", "division_level"),
        ("330783005004,village,,330783005000", "name", "required"),
        ('330783005004,village,"\u3000 ",330783005000', "name", "required"),
        ("330783005004,village,带\u0008符,330783005000", "name", "character"),
        ("330783005004,village,短码上级,330783005", "parent_code", "division_form"),
        ("330783005004,village,没有上级,", "parent_code", "division_parent"),
        ("330783005004,village,自己,330783005004", "parent_code", "division_parent"),
        ("x", "", "csv_row"),
        ("330783005004,village,多一列,,x", "", "csv_row"),
    ],
)
def test_a_line_that_is_no_division_is_named_with_what_is_wrong(
    tmp_path: Path, line: str, place: str, code: str
) -> None:
    assert refusal(written(tmp_path, f"{HEADER}{TOWN_LINE}{line}\n")) == [(f"/3/{place}".rstrip("/"), code)]


@pytest.mark.case("C48")
def test_every_line_at_fault_is_named_and_a_code_stands_once(tmp_path: Path) -> None:
    text = f"{HEADER}{TOWN_LINE}330783005004,town,老村,\n1,banana,,\n330783005004,town,新村,\n"
    assert refusal(written(tmp_path, text)) == [
        ("/4/code", "division_form"), ("/4/level", "division_level"), ("/4/name", "required"),
        ("/5/code", "division_repeated"),
    ]  # fmt: skip


@pytest.mark.case("C48")
@pytest.mark.parametrize(
    "header",
    [
        "code,name,level,pcode",
        "code,level,name",
        "code,level,name,parent_code,note",
        "代码,级别,名称,上级",
        "",
        "code,code",
    ],
)
def test_a_header_nobody_knows_is_refused_with_the_one_to_write(tmp_path: Path, header: str) -> None:
    assert refusal(written(tmp_path, f"{header}\n330783005000,town,镇,\n")) == [("/1", "division_header")]


@pytest.mark.case("C48")
def test_a_quoted_name_over_two_lines_keeps_the_count_of_lines(tmp_path: Path) -> None:
    text = f'{HEADER}330783005000,town,"镇\n上",\n330783005004,banana,老村,\n'
    assert refusal(written(tmp_path, text)) == [("/2/name", "one_line"), ("/4/level", "division_level")]


@pytest.mark.case("C48")
def test_a_list_in_another_encoding_is_refused_unless_it_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, f"{HEADER}330783005004,town,老村,\n".encode("gb18030"))
    with pytest.raises(Problem) as caught:
        read_lines(file)
    assert (caught.value.code, caught.value.params) == ("division.not_utf8", {"file": "list.csv"})
    assert [line.name for line in read_lines(file, encoding="gb18030")] == ["老村"]
    cut = written(tmp_path, f"{HEADER}330783005004,town,老村,\n".encode()[:-4])
    with pytest.raises(Problem) as caught:
        read_lines(cut)
    assert caught.value.code == "division.not_utf8", "half a list in UTF-8 is no list in GB18030"


def test_the_demo_county_s_own_list_passes() -> None:
    lines = read_lines(ROOT / "deploy/county/divisions.csv")
    assert len(lines) > 400
