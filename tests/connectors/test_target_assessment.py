"""What is particular to 目标责任考核: rows that wait for a flag, values that fit their column or go nowhere."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.target_assessment.mapping import cell, check_shape, row_of, verdict
from connectors.target_assessment.settings import Agreed, Settings
from connectors.target_assessment.simulator import sample_payloads, sample_seed, settings_for
from hub.sdk import Connector, Intent, Misconfigured, Receipt, Refused, Unavailable
from hub.sdk.tables.shape import Column, Kind, Shape
from tests.connectors.system import System, about, decided, deliver, outgoing

KIND = "target_assessment"
KEY = "k1:system:1"
PROGRESS = sample_payloads()["progress"]
SETTINGS = Settings.model_validate(settings_for(5432, Path()))
NOON = datetime(2026, 3, 1, 4, 0, 0, 999, tzinfo=UTC)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[System]:
    """A System whose office sleeps: what is put there stays unread."""
    system = System(KIND, tmp_path / KIND)
    system.start(sample_seed(), "--every", "3600")
    yield system
    system.stop()


@pytest.fixture
async def connector(slow: System) -> AsyncIterator[Connector]:
    async with slow.connector() as made:
        yield made


# --- transported, then accepted ---------------------------------------------------------------------------------------


async def test_put_there_is_not_yet_accepted_and_the_verdict_comes_by_itself(
    slow: System, connector: Connector
) -> None:
    first = await connector.push(outgoing("progress", PROGRESS))
    again = await connector.push(outgoing("progress", PROGRESS, attempt=2))
    undecided = await connector.probe(about(KEY))
    assert (first.accepted, first.remote_id, first.repeated) == (False, "", False)
    assert (again.accepted, again.repeated) == (False, True)
    assert undecided is not None
    assert not undecided.accepted
    assert slow.page().count("未读取") == 1
    slow.stop()
    slow.start(None, "--every", "0.05")
    receipt = await decided(connector, about(KEY), None)
    assert (receipt.remote_id, receipt.accepted) == (KEY, True)
    assert (await connector.push(outgoing("progress", PROGRESS, attempt=3))).repeated
    assert slow.page().count("已接收") == 1


@pytest.mark.parametrize("kind", [KIND])
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"unitCode": "DW999"}, "单位编码不存在：DW999"),
        ({"targetCode": "ZB2026002"}, "指标编号不属于该单位：ZB2026002"),
        ({"period": "2026年11月"}, "填报周期格式须为 yyyy-MM"),
        ({"period": "2026-09"}, "填报周期已锁定：2026-09"),
        ({"percent": 100.01}, "完成比例须在0到100之间"),
        ({"percent": None}, "完成比例须在0到100之间"),
        ({"content": " "}, "工作进展和填报人不能为空"),
    ],
)
async def test_it_refuses_in_its_own_words(untouched: System, changed: dict[str, Any], words: str) -> None:
    async with untouched.connector() as connector:
        with pytest.raises(Refused, match=f"^{words}$") as no:
            await deliver(connector, outgoing("progress", {**PROGRESS, **changed}, f"{words}{changed}:1"))
    assert no.value.code == "2"


@pytest.mark.parametrize("kind", [KIND])
async def test_corrections_and_withdrawals_keep_the_number_of_the_first_row(system: System) -> None:
    async with system.connector() as connector:

        async def change(number: int, intent: Intent, **changed: object) -> Receipt:
            asked = outgoing("progress", {**PROGRESS, **changed}, f"k{number}", intent=intent, amends="k1")
            return await deliver(connector, asked)

        assert (await deliver(connector, outgoing("progress", PROGRESS, "k1"))).remote_id == "k1"
        assert (await change(2, "amend", percent=90)).remote_id == "k1"
        assert (await change(3, "withdraw")).remote_id == "k1"
        with pytest.raises(Refused, match="被更正的记录不存在或已撤回：k1"):
            await change(4, "amend")


async def test_the_hub_s_account_can_add_rows_and_change_none(slow: System, connector: Connector) -> None:
    await connector.push(outgoing("progress", PROGRESS))
    async with connector._doors.tables.open(connector._address) as session:  # type: ignore[attr-defined]  # this connector's own
        for statement in ("UPDATE kh_progress SET op = 'U'", "DELETE FROM kh_progress", "SELECT * FROM office"):
            with pytest.raises(Misconfigured, match="permission denied"):
                await session._done(session._connection.exec_driver_sql(statement))
            await session._connection.rollback()


async def test_nothing_is_read_from_it(slow: System, connector: Connector) -> None:
    with pytest.raises(Misconfigured, match="'units' cannot be pulled"):
        await anext(aiter(connector.pull("units", "")))


# --- what a row is ----------------------------------------------------------------------------------------------------


def shape(**columns: tuple[Kind, int | None, bool]) -> Shape:
    """The agreed table, some of its columns otherwise."""
    plain: dict[str, tuple[Kind, int | None, bool]] = {
        "id": ("text", 200, True), "op": ("text", 1, True), "ref_id": ("text", 200, False),
        "sync_flag": ("number", None, False), "sync_msg": ("text", 200, False), "create_time": ("time", None, False),
        "unit_code": ("text", 20, True), "target_code": ("text", 20, True), "period": ("text", 20, True),
        "progress": ("number", None, False), "content": ("text", 500, True), "reporter": ("text", 40, True),
    }  # fmt: skip
    return Shape("kh", {name: Column(name, *kind) for name, kind in (plain | columns).items()}, frozenset({"id"}))


@pytest.mark.fault("F64")
@pytest.mark.parametrize(
    ("column", "kind", "words"),
    [("id", "number", "id must hold text"), ("create_time", "text", "create_time must hold time"),
     ("ref_id", "other", "ref_id must hold text")],
)  # fmt: skip
def test_the_hub_s_own_columns_hold_what_they_must(column: str, kind: Kind, words: str) -> None:
    check_shape(shape(), SETTINGS)
    with pytest.raises(Misconfigured, match=words):
        check_shape(shape(**{column: (kind, None, False)}), SETTINGS)


def test_a_delivery_is_one_row_in_beijing_s_time() -> None:
    amended = outgoing("progress", PROGRESS, "k2", intent="amend", amends="k1")
    assert row_of(amended, SETTINGS, shape(), NOON) == {
        "id": "k2", "op": "U", "ref_id": "k1", "sync_flag": 0,
        "create_time": datetime.fromisoformat("2026-03-01T12:00:00"), "unit_code": "DW002", "target_code": "ZB2026001",
        "period": "2026-11", "progress": 82.5, "content": PROGRESS["content"], "reporter": "王小明",
    }  # fmt: skip
    first = row_of(outgoing("progress", PROGRESS), SETTINGS, shape(sync_flag=("text", 1, True)), NOON)
    assert (first["op"], first["ref_id"], first["sync_flag"]) == ("I", None, "0")
    with pytest.raises(Misconfigured, match="the field mood has no column"):
        row_of(outgoing("progress", {**PROGRESS, "mood": "good"}), SETTINGS, shape(), NOON)


@pytest.mark.fault("F64")
@pytest.mark.parametrize(
    ("kind", "chars", "agreed", "value", "expected"),
    [
        ("text", 5, 5, "茗田社区1", "茗田社区1"),
        ("text", None, None, "x" * 9999, "x" * 9999),
        ("text", 9, 5, "茗田社区12", Refused("t: 6 characters, 5 were agreed; shorten it")),
        ("text", 5, None, "茗田社区12", Misconfigured("t takes 5 characters, 6 are sent; agree on `chars`")),
        ("text", 5, 5, 5, Misconfigured("t holds text, which a JSON int is not")),
        ("text", 5, 5, True, Misconfigured("t holds text, which a JSON bool is not")),
        ("text", 5, 5, ["x"], Misconfigured("t holds text, which a JSON list is not")),
        ("text", 5, 5, {}, Misconfigured("t holds text, which a JSON dict is not")),
        ("number", None, None, 1.5, 1.5),
        ("number", None, None, "1.5", Misconfigured("t holds number, which a JSON str is not")),
        ("number", None, None, True, Misconfigured("t holds number, which a JSON bool is not")),
        ("truth", None, None, False, False),
        ("truth", None, None, 0, Misconfigured("t holds truth, which a JSON int is not")),
        ("time", None, None, "2026-03-01 09:00:00", datetime.fromisoformat("2026-03-01T09:00:00")),
        ("time", None, None, "noon", Refused("t: this is no time: yyyy-MM-dd HH:mm:ss is")),
        ("day", None, None, "2026-03-01", date(2026, 3, 1)),
        ("day", None, None, "2026-13-01", Refused("t: this is no day: yyyy-MM-dd HH:mm:ss is")),
        ("day", None, None, 7, Misconfigured("t holds day, which a JSON int is not")),
        ("other", None, None, "{}", Misconfigured("t holds other, which a JSON str is not")),
        ("text", 5, 5, None, None),
    ],
)
def test_a_value_fits_its_column_or_goes_nowhere(
    kind: Kind, chars: int | None, agreed: int | None, value: object, expected: object
) -> None:
    column = Column("t", kind, chars, required=False)
    if isinstance(expected, Refused | Misconfigured):
        with pytest.raises(type(expected)) as caught:
            cell(value, column, Agreed(column="t", chars=agreed))
        assert caught.value.reason == expected.reason
    else:
        assert cell(value, column, Agreed(column="t", chars=agreed)) == expected


def test_nothing_is_refused_where_something_must_be() -> None:
    with pytest.raises(Refused, match="t: it must be filled there"):
        cell(None, Column("t", "text", 5, required=True), Agreed(column="t"))


# --- what a flag means ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zero", [0, "0", "0 "])
def test_unread_is_undecided(zero: str | int) -> None:
    receipt = verdict({"ref_id": None, "sync_flag": zero, "sync_msg": None}, "k1", SETTINGS)
    assert (receipt.accepted, receipt.remote_id) == (False, "")


def test_only_one_is_acceptance_and_two_is_a_no() -> None:
    accepted = verdict({"ref_id": None, "sync_flag": "1", "sync_msg": " 已入库 "}, "k1", SETTINGS)
    assert (accepted.accepted, accepted.remote_id, accepted.message) == (True, "k1", "已入库")
    assert verdict({"ref_id": "k0", "sync_flag": 1, "sync_msg": None}, "k1", SETTINGS).remote_id == "k0"
    for said, words in (("周期已锁定", "周期已锁定"), (None, "未说明原因"), ("  ", "未说明原因")):
        with pytest.raises(Refused, match=words):
            verdict({"ref_id": None, "sync_flag": 2, "sync_msg": said}, "k1", SETTINGS)
    for flag in (None, 3, "", "Y", -1):
        with pytest.raises(Unavailable, match="sync_flag is neither 0"):
            verdict({"ref_id": None, "sync_flag": flag, "sync_msg": None}, "k1", SETTINGS)


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"url": "postgresql://hub:secret@10.0.0.1:5432/x"}, "url"),
        ({"url": "postgresql://10.0.0.1:5432/x?sslmode=disable"}, "url"),
        ({"table": "kh; DROP TABLE kh"}, "table"),
        ({"table": "a.b.c"}, "table"),
        ({"key_column": 'id"'}, "key_column"),
        ({"columns": {"title": {"column": "title -- x"}}}, "columns"),
        ({"columns": {"title": {"column": "title", "sql": "1"}}}, "sql"),
        ({"columns": {}}, "columns"),
        ({"password": ""}, "password"),
        ({"encrypted": True}, "name the `authority` that vouches"),
        ({"authority": "/etc/ca.pem"}, "name the `authority` that vouches"),
    ],
)
def test_settings_hold_names_and_no_sql(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Settings.model_validate({**settings_for(5432, Path()), **changed})


def test_names_people_use_are_names() -> None:
    named = {"table": "考核.进度$2026", "key_column": "流水号", "columns": {"title": {"column": "SYNC_标题#1"}}}
    settings = Settings.model_validate({**settings_for(5432, Path()), **named})
    assert json.loads(settings.model_dump_json())["table"] == "考核.进度$2026"
