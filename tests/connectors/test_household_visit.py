"""What is particular to 走村入户: its 12 digits, its clock, its expiring token, its `updatedAt` cursor."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.household_visit.connector import Connector
from connectors.household_visit.settings import Settings
from connectors.household_visit.simulator import sample_payloads, sample_seed
from hub.clock import SystemClock
from hub.sdk import Misconfigured, Refused, Unanswered, Unavailable
from hub.sdk.doors import Doors
from hub.sdk.egress import Egress
from hub.sdk.http import HttpDoor
from tests.connectors.running import connected, outgoing, page_of, simulator
from tests.connectors.system import about

KIND = "household_visit"
VISIT = sample_payloads()["visit"]


@pytest.fixture(scope="module")
def shared_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with simulator(KIND, tmp_path_factory.mktemp(KIND)) as port:
        yield port


@pytest.fixture
async def system(shared_port: int, tmp_path: Path) -> AsyncIterator[Any]:
    """The one System of this module: what is stored in it needs a key of its own."""
    async with connected(KIND, shared_port, tmp_path) as connector:
        yield connector


def revoke_tokens(directory: Path) -> None:
    with closing(sqlite3.connect(directory / "household_visit.db")) as db:
        db.execute("DELETE FROM token")
        db.commit()


def beijing(at: datetime) -> str:
    return (at + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"divisionCode": "330783100"}, "42201", "行政区划代码须为12位数字"),
        ({"visitTime": beijing(datetime.now(UTC) + timedelta(days=1))}, "42202", "走访时间不能晚于当前时间"),
        ({"visitTime": "2026-03-10T09:30:00Z"}, "42200", "走访时间格式"),
        ({"householdCode": "ZC00000000000000"}, "42203", "不存在"),
        ({"staffNumber": "DY9999"}, "42204", "未登记"),
        ({"purpose": ""}, "42200", "走访目的"),
        ({"officer": None}, "42200", "走访干部"),
    ],
)
async def test_it_refuses_in_its_own_words(system: Connector, change: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refusal:
        await system.push(outgoing({**VISIT, **change}))
    assert refusal.value.code == code
    assert await system.probe(about("rec-1:system:1")) is None


async def test_a_clock_two_minutes_ahead_is_forgiven(system: Connector) -> None:
    ahead = beijing(datetime.now(UTC) + timedelta(seconds=90))
    assert (await system.push(outgoing({**VISIT, "visitTime": ahead}, "ahead:system:1"))).remote_id


async def test_a_repeat_gets_the_same_number_and_other_content_is_refused(system: Connector) -> None:
    first = await system.push(outgoing(VISIT, "repeat:system:1"))
    again = await system.push(outgoing(VISIT, "repeat:system:1", attempt=2))
    assert first.remote_id.startswith("ZCRH-")
    assert (again.remote_id, first.repeated, again.repeated) == (first.remote_id, False, True)
    with pytest.raises(Refused, match="内容不同"):
        await system.push(outgoing({**VISIT, "summary": "别的"}, "repeat:system:1"))
    probed = await system.probe(about("repeat:system:1"))
    assert probed is not None
    assert probed.remote_id == first.remote_id


async def test_an_amendment_keeps_the_number_under_a_key_of_its_own(system: Connector) -> None:
    number = (await system.push(outgoing(VISIT, "amend:system:1"))).remote_id
    change = {"intent": "amend", "amends": number}
    for repeated in (False, True):
        receipt = await system.push(outgoing({**VISIT, "summary": "更正"}, key="amend:system:2", **change))
        assert (receipt.remote_id, receipt.repeated) == (number, repeated)
    with pytest.raises(Refused, match="不存在"):
        await system.push(outgoing(VISIT, key="rec-9:system:2", intent="amend", amends="ZCRH-2020-000001"))


async def test_a_key_is_required_of_whoever_speaks_to_it(system: Connector) -> None:
    with pytest.raises(Refused, match="clientId 不能为空"):
        await system.push(outgoing(VISIT, key=""))


def test_what_is_no_visit_is_refused_like_everything_else(shared_port: int) -> None:
    """HTTP 200 and a code, even for nonsense."""
    url = f"http://127.0.0.1:{shared_port}/api/token"
    for nonsense in ("<xml/>", "[]", "1"):
        answer = httpx.post(url, content=nonsense, trust_env=False)
        assert (answer.status_code, answer.json()["code"], answer.json()["simulated"]) == (200, 42200, True)


async def test_a_withdrawal_is_refused_before_anything_is_sent(system: Connector) -> None:
    with pytest.raises(Refused, match="withdrawals"):
        await system.push(outgoing(VISIT, intent="withdraw", amends="ZCRH-2026-000001"))


async def test_a_token_that_dies_early_is_renewed_and_nothing_is_stored_twice(tmp_path: Path) -> None:
    with simulator(KIND, tmp_path) as port:
        async with connected(KIND, port, tmp_path) as connector:
            first = await connector.push(outgoing(VISIT))
    with simulator(KIND, tmp_path, port=port):
        async with connected(KIND, port, tmp_path) as connector:
            assert (await connector.push(outgoing(VISIT))).repeated
            revoke_tokens(tmp_path)
            again = await connector.push(outgoing(VISIT))
            assert (again.remote_id, again.repeated) == (first.remote_id, True)


async def test_a_system_that_refuses_its_own_new_tokens_is_stopped(tmp_path: Path) -> None:
    dead = simulator(KIND, tmp_path, "--token-seconds", "0")
    with dead as port:
        async with connected(KIND, port, tmp_path) as connector:
            with pytest.raises(Misconfigured, match="just issued"):
                await connector.push(outgoing(VISIT))


async def test_wrong_credentials_stop_the_system(tmp_path: Path) -> None:
    with simulator(KIND, tmp_path) as port:
        async with connected(KIND, port, tmp_path, app_secret="no") as connector:
            with pytest.raises(Misconfigured, match="appSecret"):
                await connector.check()


async def test_households_come_page_by_page_and_later_only_what_changed(tmp_path: Path) -> None:
    one = sample_seed()["households"][0]
    many = [
        {**one, "householdCode": f"ZC{n:014d}", "updatedAt": f"2026-01-01 {n // 60:02d}:{n % 60:02d}:00"}
        for n in range(450)
    ]
    seed = {"households": many, "officers": []}
    with simulator(KIND, tmp_path, seed=seed) as port:
        async with connected(KIND, port, tmp_path) as connector:
            pages = [page async for page in connector.pull("households", "")]
            # Each page begins with the row the one before ended with, which is not handed on twice; the last says so.
            assert [len(page.rows) for page in pages] == [200, 199, 51, 0]
            assert [page.complete for page in pages] == [False, False, False, True]
            assert {row["householdCode"] for page in pages for row in page.rows} == {h["householdCode"] for h in many}
            assert pages[0].rows[0]["legacyCodes"] == one["legacyCodes"]
            assert pages[0].as_of is not None
            assert abs(pages[0].as_of - datetime.now(UTC)) < timedelta(minutes=1)
            # Killed after the first page: the stored cursor continues without a gap, ten minutes from before again.
            for cursor in (pages[0].cursor, f"{pages[0].cursor}|ZC{199:014d}"):
                resumed = [page async for page in connector.pull("households", cursor)]
                assert [row["householdCode"] for page in resumed for row in page.rows] == [
                    f"ZC{n:014d}" for n in range(189, 450)
                ]
                assert not [page for page in resumed if page.complete or page.ahead]
            (latest,) = [page async for page in connector.pull("households", pages[-1].cursor)]
            assert (len(latest.rows), latest.cursor, latest.complete) == (11, pages[-1].cursor, False)
            assert await connector.check() == "answers, and lists 450 households"
            with pytest.raises(Misconfigured, match="no source 'bins'"):
                await anext(aiter(connector.pull("bins", "")))


async def test_what_it_received_is_on_its_page_and_survives_a_restart(tmp_path: Path) -> None:
    with simulator(KIND, tmp_path) as port:
        async with connected(KIND, port, tmp_path) as connector:
            number = (await connector.push(outgoing({**VISIT, "summary": "<b>说明</b>"}))).remote_id
    with simulator(KIND, tmp_path, port=port):
        async with connected(KIND, port, tmp_path) as connector:
            assert (await connector.push(outgoing({**VISIT, "summary": "<b>说明</b>"}))).repeated
            page = await page_of(port)
            assert "模拟系统" in page
            assert number in page
            assert "&lt;b&gt;说明" in page


ODD_ANSWERS: list[tuple[httpx.Response, type[Exception]]] = [
    (httpx.Response(200, text="<html>请登录</html>"), Unanswered),
    (httpx.Response(200, json={"code": 0, "msg": "成功", "data": None}), Unanswered),
    (httpx.Response(200, json={"code": 0, "data": {"number": ""}}), Unanswered),
    (httpx.Response(200, json={"code": 0, "data": {"number": " "}}), Unanswered),
    (httpx.Response(200, json={"code": 0, "data": {"number": {"a": 1}}}), Unanswered),
    (httpx.Response(200, json={"code": False, "data": {"number": "V-1"}}), Unanswered),
    (httpx.Response(200, json={"msg": "成功"}), Unanswered),
    (httpx.Response(200, json=[]), Unanswered),
    (httpx.Response(200, json={"code": 50300, "msg": "系统繁忙"}), Unavailable),
    (httpx.Response(200, json={"code": 40301, "msg": "应用已停用"}), Misconfigured),
    (httpx.Response(500, text="Whitelabel Error Page"), Unanswered),
    (httpx.Response(503, text="busy", headers={"Retry-After": "60"}), Unavailable),
    (httpx.Response(302, text="moved", headers={"Location": "/login"}), Misconfigured),
]


@pytest.mark.parametrize(("answer", "verdict"), ODD_ANSWERS, ids=lambda case: getattr(case, "text", "")[:30])
async def test_http_200_alone_is_no_success(answer: httpx.Response, verdict: type[Exception]) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/token":
            return httpx.Response(200, json={"code": 0, "data": {"accessToken": "t", "expiresIn": 60}})
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    connector = stubbed(httpx.MockTransport(reply))
    with pytest.raises(verdict):
        await connector.push(outgoing(VISIT))


async def test_a_silent_token_desk_never_makes_a_delivery_unknown() -> None:
    connector = stubbed(httpx.MockTransport(lambda _: httpx.Response(200, text="<html>")))
    with pytest.raises(Unavailable):
        await connector.push(outgoing(VISIT))


def stubbed(transport: httpx.AsyncBaseTransport) -> Connector:
    """Return a connector whose System answers from memory."""

    egress = Egress.parse(["visits.example:80"])
    doors = Doors(HttpDoor(egress, transport=transport), egress, SystemClock())
    settings = {"base_url": "http://visits.example/", "app_key": "k", "app_secret": "s"}
    return Connector(Settings.model_validate(settings), doors)
