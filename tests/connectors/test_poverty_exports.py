"""How 防返贫监测's nightly exports are read: the newest that is whole, once, whatever its name says."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.poverty_alleviation.exports import (
    COLUMNS,
    Export,
    households,
    newest_export,
    pages,
    require_whole,
    snapshot_time,
)
from connectors.poverty_alleviation.mapping import CHARSET
from connectors.poverty_alleviation.simulator import sample_seed
from hub.clock import SystemClock
from hub.sdk import Connector, LeftOut, Misconfigured, Page, Unavailable
from tests.connectors.system import System

KIND = "poverty_alleviation"
NOON = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
TITLES = ",".join(COLUMNS)
MASKED = {"name": "张三", "relation": "户主", "idNumber": "330799********0014"}


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[System]:
    """A System whose office sleeps: what is laid down stays."""
    system = System(KIND, tmp_path / KIND)
    system.start(sample_seed(), "--every", "3600")
    yield system
    system.stop()


@pytest.fixture
async def connector(slow: System) -> AsyncIterator[Connector]:
    async with slow.connector() as made:
        yield made


@pytest.fixture
def folder(slow: System) -> Path:
    return slow.directory / "sftp" / "pull"


def lay(folder: Path, name: str, data: bytes, flag: bytes = b"") -> None:
    """Put an export with its flag where the System would."""
    (folder / name).write_bytes(data)
    (folder / f"{name}.ok").write_bytes(flag)


def export(*lines: str) -> bytes:
    return "\r\n".join([TITLES, *lines, ""]).encode(CHARSET)


def only(folder: Path) -> Path:
    """The one export that lies there."""
    (found,) = folder.glob("*.csv")
    return found


def last(folder: Path) -> Path:
    """The newest export that lies there."""
    return max(folder.glob("*.csv"))


def clear(folder: Path) -> None:
    """Take everything away."""
    for path in folder.iterdir():
        path.unlink()


async def pulled(connector: Connector, cursor: str = "") -> list[Page]:
    return [page async for page in connector.pull("households", cursor)]


def codes(found: list[Page]) -> list[str]:
    return [row["fileNumber"] for page in found for row in page.rows]


async def test_an_export_is_read_once_and_masked(connector: Connector) -> None:
    first = await pulled(connector)
    assert [len(page.rows) for page in first] == [2, 2, 1]
    assert first[0].rows[0] == {
        "fileNumber": "FH330783001",
        "householdCode": "H330783001",
        "monitoredType": "1",
        "incomeYuan": 9001,
        "members": [MASKED],
    }
    assert first[-1].as_of == snapshot_time(first[-1].cursor.partition("@")[0])
    assert await pulled(connector, first[-1].cursor) == []
    assert await pulled(connector) == first, "a whole reading gives every row again"


async def test_a_pull_goes_on_inside_an_export_and_starts_anew_in_the_next(folder: Path, connector: Connector) -> None:
    first = await pulled(connector)
    rest = await pulled(connector, first[0].cursor)
    assert [page.rows for page in rest] == [page.rows for page in first[1:]]
    assert [page.complete for page in rest] == [False, False]
    tomorrow = f"households_{SystemClock().now() + timedelta(hours=20):%Y%m%d%H%M%S}.csv"
    lay(folder, tomorrow, only(folder).read_bytes())
    (folder / "households_29990102000000.csv").write_bytes(b"half")
    anew = await pulled(connector, first[0].cursor)
    assert [page.rows for page in anew] == [page.rows for page in first]
    assert anew[-1].complete
    assert anew[-1].cursor.startswith(f"{tomorrow}@")


@pytest.mark.parametrize("cursor", ["households_20260301120000.csv", "households_20260301120000.csv#2", "x"])
async def test_a_cursor_of_before_brings_the_whole_export(connector: Connector, cursor: str) -> None:
    found = await pulled(connector, cursor)
    assert len(codes(found)) == 5
    assert found[-1].complete
    assert not found[0].ahead


# --- whole, or not at all ---------------------------------------------------------------------------------------------


@pytest.mark.case("C01")
async def test_an_export_replaced_under_its_name_is_read_from_the_top(folder: Path, connector: Connector) -> None:
    """The lines a cursor counts are those of the old one."""
    first = await pulled(connector)
    lay(folder, only(folder).name, export("FH9,H9,0,1,", *(f"FH33078300{n},H,0,1," for n in range(1, 6))), b"6")
    for cursor in (first[0].cursor, first[-1].cursor):
        again = await pulled(connector, cursor)
        assert codes(again) == ["FH9", *(f"FH33078300{n}" for n in range(1, 6))]
        assert again[-1].complete


@pytest.mark.fault("F72", "F91")
@pytest.mark.case("C69")
@pytest.mark.parametrize(
    ("data", "flag", "words"),
    [
        (export("FH1,H1,0,1,", "FH2,H2,0,1,")[:-5], b"", "breaks off in the middle of a line"),
        (export("FH1,H1,0,1,"), b"2", "has 1 rows, and its .ok says 2"),
        (export("FH1,H1,0,1,", "FH2,H2,0,1,"), b"1\r\n", "has 2 rows, and its .ok says 1"),
        (export(), b"300", "has 0 rows, and its .ok says 300"),
        (export("FH1,H1,0,1,"), b"done", "has 1 rows, and its .ok says done"),
        (export("FH1,H1,0,1,"), b"\xff1", "has 1 rows"),
        (export("FH1,H1,0,1,"), b"9" * 9000, "has 1 rows, and its .ok says 99999999999999999999$"),
    ],
)
async def test_an_export_that_is_cut_is_not_read(
    folder: Path, connector: Connector, data: bytes, flag: bytes, words: str
) -> None:
    lay(folder, only(folder).name, data, flag)
    with pytest.raises(Unavailable, match=words):
        await pulled(connector)


@pytest.mark.parametrize("flag", [b"", b"2", b" 2\r\n", b"0002"])
def test_a_flag_that_says_nothing_or_the_right_number_will_do(flag: bytes) -> None:
    require_whole(Export("households_x.csv", export("FH1,H1,0,1,", "FH2,H2,0,1,")), flag)


@pytest.mark.fault("F72")
async def test_no_export_at_all_fails_and_an_empty_one_is_empty(folder: Path, connector: Connector) -> None:
    clear(folder)
    with pytest.raises(Unavailable, match="no export of households lies in pull"):
        await pulled(connector)
    lay(folder, "households_x.csv", export())
    (page,) = await pulled(connector)
    assert (page.rows, page.complete) == ((), True)


@pytest.mark.case("C01")
async def test_an_export_cleared_away_while_it_is_read_fails(folder: Path, connector: Connector) -> None:
    only(folder).unlink()
    with pytest.raises(Unavailable, match="cleared away 3 times"):
        await pulled(connector)


@pytest.mark.case("C01")
async def test_an_export_replaced_by_a_newer_one_while_it_is_read_is_read_then(
    folder: Path, connector: Connector
) -> None:
    """Its file is gone, its flag not yet; the next export appears meanwhile."""
    old = only(folder)
    data = old.read_bytes()
    old.unlink()
    reading = asyncio.create_task(pulled(connector))
    newer = old.with_name(f"households_{SystemClock().now() + timedelta(hours=9):%Y%m%d%H%M%S}.csv")
    lay(folder, newer.name, data, b"5")
    assert len(codes(await reading)) == 5


# --- names that lie ---------------------------------------------------------------------------------------------------

TODAY, YESTERDAY, IN_2099 = (f"households_{day}020000.csv" for day in ("20261130", "20261129", "20990101"))


@pytest.mark.case("C02")
@pytest.mark.parametrize(
    ("names", "chosen", "passed"),
    [
        ([YESTERDAY, TODAY], TODAY, []),
        ([TODAY, IN_2099], TODAY, [IN_2099]),
        ([TODAY, "households_20261201080000.csv"], "households_20261201080000.csv", []),
        ([TODAY, "households_x.csv", "households_2026年.csv"], TODAY, ["households_x.csv"]),
        ([IN_2099], IN_2099, [IN_2099]),
        (["households_20980101000000.csv", IN_2099], IN_2099, [IN_2099]),
        (["households_v1.csv", "households_v2.csv"], "households_v2.csv", []),
        (["members_20261130020000.csv", YESTERDAY], YESTERDAY, []),
    ],
)
def test_the_newest_that_can_have_been_made_counts(names: list[str], chosen: str, passed: list[str]) -> None:
    choice = newest_export([*(f"{name}.ok" for name in names), "households_20261130030000.csv"], NOON)
    assert choice.name == chosen
    assert [name for name in names if name in choice.ahead] == passed
    assert ("2026-11-30 04:00 UTC" in choice.ahead) is bool(passed)


@pytest.mark.case("C02")
async def test_one_export_named_2099_is_told_every_time_and_hides_nothing(folder: Path, connector: Connector) -> None:
    lay(folder, IN_2099, export("FH2099,H,0,1,"))
    first = await pulled(connector)
    assert len(codes(first)) == 5
    assert [IN_2099 in page.ahead for page in first] == [True, False, False]
    (again,) = await pulled(connector, first[-1].cursor)
    assert (again.rows, again.cursor, again.complete) == ((), first[-1].cursor, False)
    assert IN_2099 in again.ahead


@pytest.mark.case("C02")
async def test_an_export_that_is_no_longer_there_is_told_and_the_newest_that_is_read(
    folder: Path, connector: Connector
) -> None:
    """The folder was restored from a backup, or somebody cleared too much away."""
    lay(folder, "households_20260301020000.csv", only(folder).read_bytes())
    known = await pulled(connector)
    newest = last(folder)
    newest.with_name(f"{newest.name}.ok").unlink()
    found = await pulled(connector, known[-1].cursor)
    assert len(codes(found)) == 5
    assert found[-1].complete
    assert newest.name in found[0].ahead
    assert "households_20260301020000.csv" in found[0].ahead
    assert await pulled(connector, found[-1].cursor) == []


# --- lines ------------------------------------------------------------------------------------------------------------


@pytest.mark.fault("F91")
@pytest.mark.case("C69")
def test_lines_that_cannot_be_read_are_named_without_their_content() -> None:
    lines = export("FH1,H1,0,,张三|户主|3307", ",H,0,1,", "FH5,H5", 'FH6,"H6,0,1,') + b"FH4,\xff\xff,0,1,\r\n"
    found = list(households(lines))
    assert [each["fileNumber"] for each in found if not isinstance(each, LeftOut)] == ["FH1"]
    assert [each for each in found if isinstance(each, LeftOut)] == [
        LeftOut("", "line 3 of the export: it has no 户编号"),
        LeftOut("FH5", "line 4 of the export: it has 2 cells instead of 5"),
        LeftOut("FH6", "line 5 of the export: its quotes do not match"),
        LeftOut("FH4", "line 6 of the export: it is not in gb18030"),
    ]


@pytest.mark.parametrize(
    ("lines", "complete"),
    [(["FH1,H1,0,1,", "FH2,H2"], True), (["FH1,H1,0,1,", ",H,0,1,"], False), (["", "FH1,H1,0,1,"], False)],
)
def test_a_reading_is_whole_if_every_line_is_told_by_its_file_number(lines: list[str], complete: bool) -> None:
    found = list(pages(Export("households_x.csv", export(*lines)), "", 1))
    assert [page.complete for page in found] == [False, complete]


@pytest.mark.parametrize(
    ("income", "told"),
    [
        ("", None),
        ("12", 12),
        ("12.50", 12.5),
        ("-3", -3),
        *((text, text) for text in ("约9000", "1e400", "nan", "9" * 400 + ".0", "９０００", "1.0.0")),
    ],
)
def test_an_income_that_is_no_number_is_told_as_it_stands(income: str, told: object) -> None:
    """The hub checks values; a line is not given up for one of them."""
    (row,) = households(export(f"FH1,H1,0,{income},"))
    assert isinstance(row, dict)
    assert row["incomeYuan"] == told
    assert type(row["incomeYuan"]) is type(told)


@pytest.mark.parametrize("odd", ["张三|户主", "张三|户主|3307|x", "张三"])
def test_a_member_with_other_parts_is_told_as_it_stands(odd: str) -> None:
    (row,) = households(export(f"FH1,H1,0,1,李四|长子|3307;{odd}"))
    assert isinstance(row, dict)
    assert row["members"] == [{"name": "李四", "relation": "长子", "idNumber": "3307"}, odd]


@pytest.mark.fault("F72")
@pytest.mark.parametrize("data", [b"", b"\xff\xff\r\n", "户编号,户码\r\n".encode(CHARSET)])
def test_other_columns_stop_the_pull(data: bytes) -> None:
    with pytest.raises(Misconfigured, match="no longer has the columns"):
        list(households(data))


def test_the_time_of_an_export_is_in_its_name() -> None:
    assert snapshot_time("households_20260301120000.csv") == datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
    names: list[Any] = ["households_v2.csv", "households_2026.csv", "", "households_20261399000000.csv"]
    names += [
        "households_00010101000000.csv",
        "households_2026113013000.csv",
        "households_２０２６１１３０１２００００.csv",
    ]
    assert [snapshot_time(name) for name in names] == [None] * 7
