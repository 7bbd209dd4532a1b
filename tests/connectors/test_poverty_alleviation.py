"""What is particular to 防返贫监测: files whole or not at all, verdicts later, GB18030 cells, nightly exports."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.poverty_alleviation.exports import snapshot_time
from connectors.poverty_alleviation.mapping import (
    CHARSET,
    cell,
    result_name,
    upload,
    upload_name,
    verdict,
)
from connectors.poverty_alleviation.simulated import Office, unquoted
from connectors.poverty_alleviation.simulator import sample_payloads, sample_seed
from hub.sdk import Connector, Intent, Misconfigured, Refused, Unavailable
from tests.connectors.system import System, about, decided, deliver, outgoing

KIND = "poverty_alleviation"
KEY = "k1:system:1"
VISIT, FINDING = sample_payloads()["visit"], sample_payloads()["finding"]
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


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


def folder(system: System, name: str) -> Path:
    return system.directory / "sftp" / name


def lay(directory: Path, name: str, data: bytes) -> None:
    """Put a file with its flag where the System would."""
    (directory / name).write_bytes(data)
    (directory / f"{name}.ok").touch()


def result(*rows: str) -> bytes:
    return "\r\n".join(["流水号,结果,原因,受理编号", *rows, ""]).encode(CHARSET)


# --- transported, then accepted ---------------------------------------------------------------------------------------


async def test_laid_down_is_not_yet_accepted(slow: System, connector: Connector) -> None:
    first = await connector.push(outgoing("visit", VISIT))
    again = await connector.push(outgoing("visit", VISIT, attempt=2))
    undecided = await connector.probe(about(KEY))
    assert (first.accepted, first.remote_id, first.repeated) == (False, "", False)
    assert (again.accepted, again.repeated, again.answer) == (False, True, first.answer)
    assert undecided is not None
    assert not undecided.accepted
    assert sorted(path.name for path in folder(slow, "in").iterdir()) == [first.answer, f"{first.answer}.ok"]


async def test_the_verdict_comes_by_itself(slow: System) -> None:
    async with slow.connector() as connector:
        transported = await connector.push(outgoing("finding", FINDING))
    slow.stop()
    slow.start(None, "--every", "0.05")
    async with slow.connector() as connector:
        receipt = await decided(connector, about(KEY), transported)
        again = await connector.push(outgoing("finding", FINDING, attempt=3))
    assert receipt.remote_id.startswith("FP")
    assert (again.accepted, again.repeated) == (False, True)
    assert receipt.remote_id in await asyncio.to_thread(slow.page)


@pytest.mark.parametrize("kind", [KIND])
@pytest.mark.parametrize(
    ("flow", "changed", "words"),
    [
        ("visit", {"fileNumber": "FH000"}, "户编号不存在"),
        ("visit", {"content": ""}, "反馈内容不能为空"),
        ("visit", {"officer": None}, "走访人不能为空"),
        ("visit", {"visitTime": "2126-03-01 09:00:00"}, "走访时间晚于当前时间"),
        ("visit", {"visitTime": "2026/3/1"}, "走访时间格式"),
        ("finding", {"riskType": "漏雨"}, "风险类型不在目录内：漏雨"),
        ("finding", {"description": " "}, "说明不能为空"),
    ],
)
async def test_it_returns_rows_in_its_own_words(
    untouched: System, flow: str, changed: dict[str, object], words: str
) -> None:
    async with untouched.connector() as connector:
        with pytest.raises(Refused, match=words) as no:
            await deliver(connector, outgoing(flow, {**sample_payloads()[flow], **changed}, f"{words}:system:1"))
    assert no.value.code == "退回"


async def test_an_upload_cut_short_counts_as_never_arrived_and_is_completed(slow: System, connector: Connector) -> None:
    name = upload_name(KEY)
    (folder(slow, "in") / name).write_bytes(b"half")
    (folder(slow, "in") / f"{name}.part").write_bytes(b"ha")
    assert await connector.probe(about(KEY)) is None
    receipt = await connector.push(outgoing("visit", VISIT))
    assert not receipt.repeated
    assert (folder(slow, "in") / f"{receipt.answer}.ok").exists()


async def test_a_result_without_its_flag_is_not_read(slow: System, connector: Connector) -> None:
    name = (await connector.push(outgoing("visit", VISIT))).answer.removesuffix(".csv")
    (folder(slow, "out") / f"{name}.result.csv").write_bytes(b"half")
    undecided = await connector.probe(about(KEY))
    assert undecided is not None
    assert not undecided.accepted
    lay(folder(slow, "out"), f"{name}.result.csv", result(f"{KEY},接收,,FP1"))
    accepted = await connector.probe(about(KEY))
    assert accepted is not None
    assert (accepted.remote_id, accepted.accepted) == ("FP1", True)


async def test_a_result_cleared_away_while_it_is_read_is_still_undecided(slow: System, connector: Connector) -> None:
    (folder(slow, "out") / f"{result_name(KEY)}.ok").touch()
    undecided = await connector.probe(about(KEY))
    assert undecided is not None
    assert not undecided.accepted


@pytest.mark.parametrize(
    ("data", "failure", "words"),
    [
        (result(f"{KEY},退回,户编号不存在,"), Refused, "户编号不存在"),
        (result(f"{KEY},退回,,"), Refused, "未说明原因"),
        (result(",退回,表头与约定不符,"), Refused, "表头与约定不符"),
        (result("other,接收,,FP1"), Unavailable, "neither accepts"),
        (result(f"{KEY},接收,,"), Unavailable, "neither accepts"),
        (b"\xff\xff", Unavailable, "cannot be read"),
    ],
)
def test_only_a_number_is_acceptance(data: bytes, failure: type[Exception], words: str) -> None:
    with pytest.raises(failure, match=words):
        verdict(data, KEY)


def test_a_name_is_the_key_s_alone_and_no_two_keys_share_one() -> None:
    assert upload_name(KEY) == "hub_91d1b3ec0647a6e66de146bc19707028.csv"
    assert result_name(KEY) == "hub_91d1b3ec0647a6e66de146bc19707028.result.csv"
    assert len({upload_name(f"k{number}:system:1") for number in range(1_000)}) == 1_000


@pytest.mark.case("C62")
@pytest.mark.fault("F84")
async def test_a_folder_that_is_gone_is_not_a_delivery_that_never_came(slow: System, connector: Connector) -> None:
    await connector.push(outgoing("visit", VISIT))
    for name in ("out", "in"):
        folder(slow, name).rename(slow.directory / name)
    with pytest.raises(Misconfigured, match="the folder in is not there"):
        await connector.probe(about(KEY))
    with pytest.raises(Misconfigured, match="the folder in is not there"):
        await connector.check()
    (slow.directory / "in").rename(folder(slow, "in"))
    with pytest.raises(Misconfigured, match="the folder out is not there"):
        await connector.probe(about("other:system:1"))


@pytest.mark.parametrize("kind", [KIND])
async def test_an_unknown_flow_is_a_fault_of_the_wiring(untouched: System) -> None:
    async with untouched.connector() as connector:
        with pytest.raises(Misconfigured, match="'patrol' has no file layout"):
            await connector.push(outgoing("patrol", {}))


@pytest.mark.parametrize("kind", [KIND])
async def test_another_host_key_stops_the_system(untouched: System) -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    for key in (other, "ssh-ed25519 not-a-key"):
        async with untouched.connector(host_key=key) as connector:
            with pytest.raises(Misconfigured):
                await connector.check()


# --- cells ------------------------------------------------------------------------------------------------------------


@pytest.mark.fault("F65")
def test_rare_characters_survive() -> None:
    data = upload("visit", "create", KEY, "", {**VISIT, "officer": "㙦𠅤", "content": '他说："好", 行'})
    row = next(csv.DictReader(io.StringIO(data.decode(CHARSET), newline="")))
    assert (row["走访人"], row["内容"], row["操作"]) == ("㙦𠅤", '他说："好", 行', "新增")
    assert "?" not in data.decode(CHARSET)


@pytest.mark.fault("F65")
@pytest.mark.parametrize("text", ["a\x00b", "a\x1bb", "a\ud800b"])
def test_what_cannot_be_written_is_refused_never_replaced(text: str) -> None:
    with pytest.raises(Refused, match=r"内容: U\+"):
        cell("内容", text)


@pytest.mark.parametrize(("text", "written"), [("a\r\nb", "a b"), ("a\tb", "a b"), (None, ""), (3, "3")])
def test_a_cell_is_one_line(text: object, written: str) -> None:
    assert cell("内容", text) == written


@pytest.mark.parametrize("text", ["=1+1", "+86", "-5", "@x", "＝1", " =1", "\t=1", "'quoted", "'=1"])
def test_a_formula_is_text(text: str) -> None:
    assert cell("内容", text).startswith("'")
    assert unquoted(cell("内容", text)) == text.replace("\t", " ")


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))))
def test_every_text_comes_back_whole(text: str) -> None:
    data = upload("visit", "create", KEY, "", {**VISIT, "content": text})
    row = next(csv.DictReader(io.StringIO(data.decode(CHARSET), newline="")))
    assert unquoted(row["内容"]) == text
    assert not row["内容"].startswith(("=", "+", "-", "@"))


# --- the simulated office ---------------------------------------------------------------------------------------------


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path, sample_seed(), lambda: NOON)
    yield made
    made.books.close()


def judged(office: Office, key: str, earlier: str = "", intent: Intent = "create", **changed: str) -> list[str]:
    """The office's verdict on one row of a file the connector would write."""
    payload = {**VISIT, "visitTime": "2026-03-01 09:00:00", **changed}
    return office.judge(upload("visit", intent, key, earlier, payload))[0]


def test_a_known_key_keeps_its_verdict(office: Office) -> None:
    first = judged(office, KEY)
    assert judged(office, KEY, fileNumber="FH000") == first
    refused = judged(office, "k2", fileNumber="FH000")
    assert judged(office, "k2") == refused == ["k2", "退回", "户编号不存在", ""]
    assert len(office.received()) == 2


def test_corrections_and_withdrawals_keep_the_number(office: Office) -> None:
    number = judged(office, KEY)[3]
    assert judged(office, "k2", number, intent="amend", content="更正") == ["k2", "接收", "", number]
    assert judged(office, "k3", number, intent="amend", fileNumber="FH330783002")[1] == "退回"
    assert judged(office, "k4", number, intent="withdraw") == ["k4", "接收", "", number]
    assert judged(office, "k5", number, intent="amend")[2] == f"原受理编号不存在或已撤回：{number}"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xff", "文件无法读取"),
        (b"", "文件无法读取"),
        ("流水号,户编号\r\n1\r\n".encode(CHARSET), "文件无法读取"),
        ("流水号,户编号\r\n1,2\r\n".encode(CHARSET), "表头与约定不符"),
    ],
)
def test_a_file_it_cannot_read_goes_back_whole(office: Office, data: bytes, words: str) -> None:
    (row,) = office.judge(data)
    assert row[:2] == ["", "退回"]
    assert words in row[2]


@pytest.mark.parametrize(("old", "new", "words"), [(KEY, "", "流水号"), ("新增", "删除", "操作不在目录内：删除")])
def test_a_row_needs_a_key_and_a_known_operation(office: Office, old: str, new: str, words: str) -> None:
    data = upload("visit", "create", KEY, "", VISIT).decode(CHARSET).replace(old, new)
    assert words in office.judge(data.encode(CHARSET))[0][2]


def test_an_office_killed_between_answer_and_clearing_up_does_it_again(office: Office) -> None:
    data = upload("visit", "create", KEY, "", {**VISIT, "visitTime": "2026-03-01 09:00:00"})
    answers = []
    for _ in range(2):
        lay(office.root / "in", "hub_visit_x.csv", data)
        office.take_in()
        answers.append((office.root / "out" / "hub_visit_x.result.csv").read_bytes())
    (office.root / "in" / "hub_visit_x.csv.ok").touch()
    office.take_in()
    assert answers[0] == answers[1]
    assert list((office.root / "in").iterdir()) == []


def test_there_is_one_export_a_day(office: Office) -> None:
    office.export()
    office.export()
    office.now = lambda: NOON + timedelta(days=1)
    office.export()
    names = sorted(path.name for path in (office.root / "pull").glob("*.csv"))
    assert names == ["households_20260301120000.csv", "households_20260302120000.csv"]
    assert snapshot_time(names[0]) == datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
    assert snapshot_time("households_v2.csv") is None
