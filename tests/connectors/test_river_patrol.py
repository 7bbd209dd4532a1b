"""What is particular to 河长制巡河: GCJ-02, segments that are not ours, patrols too short, codes in the body."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.river_patrol.connector import Connector
from connectors.river_patrol.mapping import accept, read_answer, receipt_of
from connectors.river_patrol.segments import READINGS
from connectors.river_patrol.simulator import sample_payloads, sample_seed
from hub.sdk import Misconfigured, Refused, Unanswered, Unavailable
from hub.sdk.geo import convert
from tests.connectors.running import connected, outgoing, page_of, simulator
from tests.connectors.system import about

KIND = "river_patrol"
PATROL, MATTER = sample_payloads()["patrol"], sample_payloads()["finding"]


@pytest.fixture(scope="module")
def shared_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with simulator(KIND, tmp_path_factory.mktemp(KIND)) as port:
        yield port


@pytest.fixture
async def system(shared_port: int, tmp_path: Path) -> AsyncIterator[Any]:
    """The one System of this module: what is stored in it needs a key of its own."""
    async with connected(KIND, shared_port, tmp_path) as connector:
        yield connector


def beijing(ago: timedelta) -> str:
    return (datetime.now(timezone(timedelta(hours=8))) - ago).strftime("%Y-%m-%d %H:%M:%S")


def as_wgs84(point: list[float]) -> list[float]:
    return list(convert(point[0], point[1], "gcj02", "wgs84"))


@pytest.mark.parametrize(
    ("content", "change", "code", "words"),
    [
        (PATROL, {"beginTime": PATROL["endTime"]}, "FAIL", "巡河时长0分钟，不足5分钟"),
        (PATROL, {"path": PATROL["path"][:1]}, "FAIL", "巡河里程0米，不足300米"),
        (PATROL, {"path": None}, "FAIL", "巡河里程0米"),
        (PATROL, {"path": [as_wgs84(point) for point in PATROL["path"]]}, "FAIL", "请确认坐标系为GCJ-02"),
        (PATROL, {"beginTime": beijing(timedelta(days=17)), "endTime": beijing(timedelta(days=16))}, "4112", "15天"),
        (PATROL, {"endTime": beijing(-timedelta(days=1))}, "FAIL", "不能晚于当前时间"),
        (PATROL, {"endTime": "2026-03-10T09:30:00Z"}, "FAIL", "endTime 格式"),
        (PATROL, {"path": [[1, 2, 3]]}, "FAIL", "请求格式错误"),
        (PATROL, {"segmentId": "HD330783003"}, "4022", "不是河段"),
        (MATTER, {"segmentId": "HD330783009"}, "4021", "不存在"),
        (MATTER, {"staffNumber": "DY0002"}, "4022", "不是河段“东阳江1段”的巡河人员"),
        (MATTER, {"coor": as_wgs84(MATTER["coor"])}, "FAIL", "坐标不在河段附近"),
        (MATTER, {"type": "其他"}, "FAIL", "不在目录内"),
        (MATTER, {"description": " "}, "FAIL", "问题描述"),
        (MATTER, {"urgency": 3}, "FAIL", "紧急程度"),
        (MATTER, {"source": 9}, "FAIL", "问题来源"),
    ],
)
async def test_it_refuses_in_its_own_words(
    system: Connector, content: dict[str, Any], change: dict[str, Any], code: str, words: str
) -> None:
    with pytest.raises(Refused, match=words) as refusal:
        await system.push(outgoing({**content, **change}))
    assert refusal.value.code == code
    assert await system.probe(about("rec-1:system:1")) is None


async def test_length_and_duration_are_its_own_reckoning(tmp_path: Path) -> None:
    with simulator(KIND, tmp_path) as port:
        async with connected(KIND, port, tmp_path) as connector:
            number = (await connector.push(outgoing({**PATROL, "length": 99999, "duration": 99999}))).remote_id
            page = await page_of(port)
    assert number.startswith("XH")
    assert "模拟系统" in page
    assert "<td>20</td><td>583</td>" in page
    assert "99999" not in page


async def test_a_matter_needs_no_coordinates(system: Connector) -> None:
    receipt = await system.push(outgoing({**MATTER, "coor": None}, "nowhere:system:1"))
    assert receipt.remote_id.startswith("SX")


async def test_a_repeat_gets_the_same_number_and_other_content_is_refused(system: Connector) -> None:
    first, again = [await system.push(outgoing(MATTER, "repeat:system:1")) for _ in range(2)]
    assert (again.remote_id, first.repeated, again.repeated) == (first.remote_id, False, True)
    with pytest.raises(Refused, match="内容不同"):
        await system.push(outgoing({**MATTER, "urgency": 2}, "repeat:system:1"))
    probed = await system.probe(about("repeat:system:1"))
    assert probed is not None
    assert probed.remote_id == first.remote_id


async def test_a_matter_is_amended_under_its_number(system: Connector) -> None:
    number = (await system.push(outgoing(MATTER, "amend:system:1"))).remote_id
    for repeated in (False, True):
        change = outgoing({**MATTER, "urgency": 2}, key="amend:system:2", intent="amend", amends=number)
        receipt = await system.push(change)
        assert (receipt.remote_id, receipt.repeated) == (number, repeated)
    with pytest.raises(Refused, match="不存在"):
        await system.push(outgoing(MATTER, key="rec-9:system:2", intent="amend", amends="SX2020000001"))


@pytest.mark.parametrize(("content", "intent"), [(PATROL, "amend"), (PATROL, "withdraw"), (MATTER, "withdraw")])
async def test_what_it_cannot_take_back_is_refused_before_anything_is_sent(
    system: Connector, content: dict[str, Any], intent: str
) -> None:
    with pytest.raises(Refused, match="takes no withdrawals"):
        await system.push(outgoing(content, intent=intent, amends="XH2026000001"))


async def test_a_key_is_required_of_whoever_speaks_to_it(system: Connector) -> None:
    with pytest.raises(Refused, match="instanceId 不能为空"):
        await system.push(outgoing(MATTER, key=""))


async def test_segments_come_page_by_page_and_again_once_one_has_changed(tmp_path: Path) -> None:
    one = sample_seed()["segments"][0]
    seed = {"segments": [{**one, "segmentId": f"HD{n:04d}", "granted": n != 7} for n in range(250)]}
    with simulator(KIND, tmp_path, seed=seed) as port:
        async with connected(KIND, port, tmp_path) as connector:
            pages = [page async for page in connector.pull("segments", "")]
            assert [len(page.rows) for page in pages] == [100, 100, 50]
            assert [page.complete for page in pages] == [False, False, True]
            assert [page.cursor.partition("/")[2] for page in pages] == ["HD0099", "HD0199", "HD0249"]
            assert [row["segmentId"] for page in pages for row in page.rows if not row["yours"]] == ["HD0007"]
            assert pages[0].rows[0]["path"] == one["path"]
            resumed = [page async for page in connector.pull("segments", pages[1].cursor)]
            assert [(len(page.rows), page.cursor, page.complete) for page in resumed] == [(50, pages[2].cursor, False)]
            assert [page async for page in connector.pull("segments", pages[2].cursor)] == []
            assert await connector.check() == "answers, and lists segments"
            with pytest.raises(Misconfigured, match="no source 'bins'"):
                await anext(aiter(connector.pull("bins", "")))


@pytest.mark.case("C01")
async def test_a_segment_that_changes_between_pages_brings_all_of_them_again(tmp_path: Path) -> None:
    one = sample_seed()["segments"][0]
    many = [{**one, "segmentId": f"HD{n:04d}"} for n in range(150)]
    with simulator(KIND, tmp_path, seed={"segments": many}) as port:
        async with connected(KIND, port, tmp_path) as connector:
            pull = aiter(connector.pull("segments", ""))
            await anext(pull)
            rename_segment(tmp_path, "HD0001")
            last = await anext(pull)
            assert (len(last.rows), last.complete) == (50, False)
            broken_off = [page async for page in connector.pull("segments", last.cursor)]
            for again in ([page async for page in pull], broken_off):
                assert [(len(page.rows), page.complete) for page in again] == [(100, False), (50, True)]
                assert again[0].rows[1]["name"] == "新名"


@pytest.mark.case("C01")
async def test_a_list_that_changes_at_every_reading_is_read_on_next_time_and_never_called_whole(
    tmp_path: Path,
) -> None:
    one = sample_seed()["segments"][0]
    many = [{**one, "segmentId": f"HD{n:04d}"} for n in range(150)]
    with simulator(KIND, tmp_path, seed={"segments": many}) as port:
        async with connected(KIND, port, tmp_path) as connector:
            found = []
            async for page in connector.pull("segments", ""):
                found.append(page)
                rename_segment(tmp_path, f"HD{len(found):04d}")
            assert [(len(page.rows), page.complete) for page in found] == [(100, False), (50, False)] * READINGS
            again = [page async for page in connector.pull("segments", found[-1].cursor)]
            assert [(len(page.rows), page.complete) for page in again] == [(100, False), (50, True)]


def rename_segment(directory: Path, segment: str) -> None:
    with closing(sqlite3.connect(directory / "river_patrol.db")) as db:
        db.execute("UPDATE segment SET body = json_set(body, '$.name', '新名') WHERE id = ?", (segment,))
        db.commit()


async def test_an_empty_system_is_no_error(tmp_path: Path) -> None:
    with simulator(KIND, tmp_path, seed={"segments": []}) as port:
        async with connected(KIND, port, tmp_path) as connector:
            (page,) = [page async for page in connector.pull("segments", "")]
            assert (page.rows, page.complete) == ((), True)
            assert await connector.check() == "answers, and lists no segment yet"


async def test_wrong_credentials_stop_the_system(tmp_path: Path) -> None:
    with simulator(KIND, tmp_path) as port:
        async with connected(KIND, port, tmp_path, secret="no") as connector:
            with pytest.raises(Misconfigured, match="app_id"):
                await connector.check()


async def test_a_session_it_has_forgotten_is_renewed(tmp_path: Path) -> None:
    with simulator(KIND, tmp_path) as port:
        async with connected(KIND, port, tmp_path) as connector:
            first = await connector.push(outgoing(PATROL))
    dead = simulator(KIND, tmp_path, "--token-seconds", "0", port=port)
    with dead:
        async with connected(KIND, port, tmp_path) as connector:
            with pytest.raises(Misconfigured, match="just issued"):
                await connector.push(outgoing(PATROL))
    with simulator(KIND, tmp_path, port=port):
        async with connected(KIND, port, tmp_path) as connector:
            assert (await connector.push(outgoing(PATROL))).remote_id == first.remote_id


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ({"result": 4011}, Refused),
        ({"result": "5031", "message": "系统繁忙"}, Unavailable),
        ({"result": "OK"}, Unanswered),
        ({"result": "OK", "data": {"id": ""}}, Unanswered),
        ({"message": "成功"}, Unanswered),
        ({"result": 200, "data": {"id": "1"}}, Refused),
    ],
)
def test_only_ok_with_an_id_is_success(answer: dict[str, Any], verdict: type[Exception]) -> None:
    response = httpx.Response(200, json=answer, request=httpx.Request("POST", "http://x/"))
    with pytest.raises(verdict):
        receipt_of(response, read_answer(response))


def test_success_hands_out_its_data() -> None:
    response = httpx.Response(200, json={"result": "OK", "data": [1]}, request=httpx.Request("GET", "http://x/"))
    assert accept(read_answer(response)) == [1]
