"""What is particular to 东阳考垃: its gateway, its clock, its one score a day, its errors inside HTTP 200."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.garbage_scoring.connector import Connector
from connectors.garbage_scoring.mapping import as_of
from connectors.garbage_scoring.settings import Settings
from connectors.garbage_scoring.signature import canonical_text, signed_headers
from hub.clock import SystemClock
from hub.sdk import Misconfigured, Refused, Unanswered, Unavailable
from hub.sdk.doors import Doors
from hub.sdk.egress import Egress
from hub.sdk.http import HttpDoor
from tests.connectors.system import System, about, outgoing

KIND = pytest.mark.parametrize("kind", ["garbage_scoring"])
NOON = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


class Clock:
    """A clock that is wrong by a fixed time."""

    def __init__(self, wrong_by: timedelta) -> None:
        self.wrong_by = wrong_by

    def now(self) -> datetime:
        return SystemClock().now() + self.wrong_by

    def monotonic(self) -> float:
        return SystemClock().monotonic()


def score(system: System, **changed: object) -> dict[str, Any]:
    payload: dict[str, Any] = system.simulator.sample_payloads()["bin_score"]
    return {**payload, **changed}


def answering(*answers: httpx.Response) -> Connector:
    """A connector whose gateway gives these answers, one after the other."""
    waiting = list(answers)
    transport = httpx.MockTransport(lambda _: waiting.pop(0))
    egress = Egress.parse(["127.0.0.1:9"], allow_loopback=True)
    doors = Doors(HttpDoor(egress, transport=transport), egress, SystemClock())
    settings = {"base_url": "http://127.0.0.1:9/irs/", "access_key": "ak", "secret_key": "sk"}
    return Connector(Settings.model_validate(settings), doors)


def test_signature_is_the_gateways() -> None:
    """The expected value is what `openssl dgst -sha256 -hmac sk -binary` makes of the five lines."""
    request = httpx.Request("GET", "http://h/irs/bins?size=1&cursor=")
    headers = signed_headers(request, "ak", "sk", NOON)
    assert headers["X-BG-DATE-TIME"] == "Sun, 01 Mar 2026 04:00:00 GMT"
    assert headers["X-BG-HMAC-ALGORITHM"] == "hmac-sha256"
    assert headers["X-BG-HMAC-SIGNATURE"] == "8oHc8Hz6b6sWalb/Ci2MqN43qqrCB2YsWQSYcfry0HQ="


@pytest.mark.parametrize("query", ["b=1%3A2&a=%E6%A1%B6", "a=桶&b=1:2"])
def test_what_is_signed_does_not_depend_on_how_it_is_escaped(query: str) -> None:
    request = httpx.Request("GET", f"http://h/score?{query}")
    assert canonical_text(request, "ak", "d") == "GET\n/score\na=%E6%A1%B6&b=1%3A2\nak\nd\n"


@KIND
@pytest.mark.parametrize("minutes", [-2, 2])
async def test_a_wrong_clock_is_ours_to_mend(untouched: System, minutes: int) -> None:
    async with untouched.connector(Clock(timedelta(minutes=minutes))) as connector:
        with pytest.raises(Misconfigured, match=r"时间偏差.*NTP"):
            await connector.check()


@KIND
async def test_a_clock_within_the_allowance_is_let_through(untouched: System) -> None:
    async with untouched.connector(Clock(timedelta(seconds=-80))) as connector:
        assert "5 bins" in await connector.check()


@KIND
@pytest.mark.parametrize(("changed", "words"), [({"access_key": "x"}, "accessKey"), ({"secret_key": "x"}, "签名")])
async def test_the_gateway_says_what_is_wrong(untouched: System, changed: dict[str, str], words: str) -> None:
    async with untouched.connector(**changed) as connector:
        with pytest.raises(Misconfigured, match=words):
            await connector.check()


@KIND
async def test_an_unsigned_or_undated_request_stays_outside(untouched: System) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{untouched.port}", trust_env=False) as client:
        unsigned = await client.get("/bins")
        undated = await client.get("/bins", headers={"X-BG-HMAC-ACCESS-KEY": "fillonce-demo"})
    assert (unsigned.status_code, unsigned.json()["simulated"]) == (401, True)
    assert "RFC 1123" in undated.json()["message"]


@KIND
async def test_one_score_per_bin_and_day(system: System) -> None:
    async with system.connector() as connector:
        first = await connector.push(outgoing("bin_score", score(system), "k1:system:1"))
        repeated = await connector.push(outgoing("bin_score", score(system), "k1:system:1", attempt=2))
        with pytest.raises(Refused, match="一户一桶一天只能评一次") as no:
            await connector.push(outgoing("bin_score", score(system), "k2:system:1"))
        other = await connector.push(outgoing("bin_score", score(system, binCode="LJ330783002"), "k3:system:1"))
    assert first.message == "得分 30"
    assert (first.repeated, repeated.repeated, repeated.remote_id) == (False, True, first.remote_id)
    assert no.value.code == "DUP"
    assert other.remote_id != first.remote_id


@KIND
async def test_a_late_repeat_after_an_amendment_is_still_known(system: System) -> None:
    async with system.connector() as connector:
        first = await connector.push(outgoing("bin_score", score(system), "k1:system:1"))
        poor = [{"code": code, "level": 3} for code in ("FLHL", "ZDTF", "TSQJ")]
        amendment = outgoing("bin_score", score(system, items=poor), "k1:system:2", intent="amend")
        amended = await connector.push(replace(amendment, amends=first.remote_id))
        late = await connector.push(outgoing("bin_score", score(system), "k1:system:1", attempt=9))
        probed = await connector.probe(about("k1:system:2"))
    assert (amended.remote_id, amended.message) == (first.remote_id, "得分 6")
    assert (late.remote_id, late.repeated) == (first.remote_id, True)
    assert probed is not None
    assert probed.remote_id == first.remote_id


@KIND
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"binCode": "LJ000"}, "BIN404"),
        ({"checker": " "}, "PARAM"),
        ({"checkTime": "2026-3-1 9:00:00"}, "TIME"),
        ({"checkTime": "2126-03-01 09:00:00"}, "TIME"),
        ({"checkTime": "today"}, "TIME"),
        ({"items": []}, "ITEM"),
        ({"items": None}, "ITEM"),
        ({"items": [{"code": code, "level": 4} for code in ("FLHL", "ZDTF", "TSQJ")]}, "LEVEL"),
        ({"photos": ["ftp://h/1.jpg"]}, "PHOTO"),
    ],
)
async def test_refusals_keep_code_and_words(untouched: System, changed: dict[str, Any], code: str) -> None:
    async with untouched.connector() as connector:
        with pytest.raises(Refused) as no:
            await connector.push(outgoing("bin_score", score(untouched, **changed)))
    assert no.value.code == code
    assert no.value.reason


@KIND
async def test_yesterdays_score_can_no_longer_be_changed(system: System) -> None:
    then = score(system, checkTime="2026-03-01 09:00:00")
    async with system.connector() as connector:
        first = await connector.push(outgoing("bin_score", then))
        with pytest.raises(Refused, match="只能修改当天的评分"):
            await connector.push(outgoing("bin_score", then, "k1:system:2", intent="amend", amends=first.remote_id))


@KIND
async def test_a_score_cannot_be_taken_back(untouched: System) -> None:
    async with untouched.connector() as connector:
        with pytest.raises(Refused, match="by hand"):
            await connector.push(outgoing("bin_score", {}, intent="withdraw", amends="KL1"))


@KIND
async def test_a_pull_gives_what_changed_since_and_a_little_from_before(system: System) -> None:
    async with system.connector(overlap_changes=1) as connector:
        first = [page async for page in connector.pull("bins", "")]
        await connector.push(outgoing("bin_score", score(system)))
        changed = [page async for page in connector.pull("bins", first[-1].cursor)]
        nothing = [page async for page in connector.pull("bins", changed[-1].cursor)]
    assert [len(page.rows) for page in first] == [2, 2, 1]
    assert first[0].as_of is not None
    assert abs(first[0].as_of - SystemClock().now()) < timedelta(minutes=1)
    assert [(row["binCode"], row["checkedThisMonth"]) for page in changed for row in page.rows] == [
        ("LJ330783005", 5),
        ("LJ330783001", 2),
    ]
    assert [page.complete for page in changed] == [False]
    assert [row["binCode"] for page in nothing for row in page.rows] == ["LJ330783001"]
    assert [page.cursor for page in (first[-1], changed[-1], nothing[-1])] == ["5", "6", "6"]


@KIND
@pytest.mark.case("C11")
async def test_a_bin_out_of_use_is_told_as_gone_until_it_is_back(system: System) -> None:
    bins = system.simulator.sources(system.directory)["bins"]
    bins.put([1, 2], "H1")
    async with system.connector(overlap_changes=1) as connector:
        first = [page async for page in connector.pull("bins", "")]
        bins.remove(1)
        removed = [page async for page in connector.pull("bins", first[-1].cursor)]
        bins.put([1], "H2")
        back = [page async for page in connector.pull("bins", removed[-1].cursor)]
    assert [key for page in removed for key in page.gone] == [bins.key_of(1)]
    assert [row["binCode"] for page in removed for row in page.rows] == [bins.key_of(2)]
    assert [(row["houseCode"], page.gone) for page in back for row in page.rows] == [("H2", ())]


@pytest.mark.case("C02")
async def test_a_cursor_that_is_no_number_is_told_and_all_is_read() -> None:
    page = {"list": [{"binCode": "LJ1"}], "next": "7", "more": False, "newest": "7", "total": 1}
    connector = answering(httpx.Response(200, json={"code": "OK", "data": page}))
    (found,) = [page async for page in connector.pull("bins", "yesterday")]
    assert (found.cursor, found.complete) == ("7", True)
    assert found.ahead == "'yesterday' is no mark of this list; all is read again"


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (httpx.Response(200, json={"code": "200", "msg": "ok", "data": {}}), Unanswered),
        (httpx.Response(200, json={"code": 200, "data": None}), Unanswered),
        (httpx.Response(200, json={"code": 500, "msg": "系统异常"}), Unanswered),
        (httpx.Response(200, json={"msg": "no code"}), Unanswered),
        (httpx.Response(200, html="<html>登录</html>"), Unanswered),
        (httpx.Response(200, json=["200"]), Unanswered),
        (httpx.Response(500, text="broken"), Unanswered),
        (httpx.Response(503, text="busy"), Unavailable),
        (httpx.Response(401, json={"message": "签名不匹配"}), Misconfigured),
        (httpx.Response(302, headers={"location": "/login"}), Misconfigured),
        (httpx.Response(200, json={"code": "DUP", "msg": "已评"}), Refused),
        (httpx.Response(200, json={"code": "NEW"}), Refused),
    ],
)
async def test_only_the_declared_success_is_one(answer: httpx.Response, failure: type[Exception]) -> None:
    answer.headers.setdefault("content-length", str(len(answer.content)))
    with pytest.raises(failure):
        await answering(answer).push(outgoing("bin_score", {}))


NO_NUMBERS = [{"id": 7}, ["KL1"], True, False, 1.5, " \u3000", "KL" * 200, "KL\x00"]


@pytest.mark.fault("F102")
@pytest.mark.case("C80")
@pytest.mark.parametrize("number", NO_NUMBERS, ids=lambda number: type(number).__name__)
async def test_what_is_no_number_is_no_receipt(number: object) -> None:
    score = {"number": number, "score": 8}
    with pytest.raises(Unanswered, match="without a score number"):
        await answering(httpx.Response(200, json={"code": 200, "data": score})).push(outgoing("bin_score", {}))
    held = {"code": "DUP", "msg": "已评", "existing": score | {"requestId": outgoing("bin_score", {}).key}}
    with pytest.raises(Refused):
        await answering(httpx.Response(200, json=held)).push(outgoing("bin_score", {}))


@pytest.mark.parametrize(("number", "told"), [("KL1", "KL1"), (" KL1 ", "KL1"), (71, "71")])
@pytest.mark.parametrize(("points", "words"), [(8, "得分 8"), ("8", "得分 8"), ({"a": 8}, ""), (None, ""), (True, "")])
async def test_a_number_is_text_or_a_whole_number(number: object, told: str, points: object, words: str) -> None:
    answer = httpx.Response(200, json={"code": 200, "data": {"number": number, "score": points}})
    receipt = await answering(answer).push(outgoing("bin_score", {}))
    assert (receipt.remote_id, receipt.message) == (told, words)


@pytest.mark.parametrize("code", ["200", 200, "OK", "ok"])
async def test_success_is_spelled_in_several_ways(code: object) -> None:
    answer = httpx.Response(200, json={"code": code, "data": {"number": "KL1"}})
    assert (await answering(answer).push(outgoing("bin_score", {}))).remote_id == "KL1"


@pytest.mark.fault("F72")
@pytest.mark.parametrize(
    ("answer", "failure"),
    [({"code": "PARAM", "msg": "cursor"}, Misconfigured), ({"code": "OK"}, Unavailable)],
)
async def test_a_read_that_is_no_answer(answer: dict[str, str], failure: type[Exception]) -> None:
    with pytest.raises(failure):
        await answering(httpx.Response(200, json=answer)).check()


def test_a_server_time_that_cannot_be_read_is_none() -> None:
    assert as_of({}) is None
    assert as_of({"serverTime": "2026-03-01 12:00:00"}) == NOON


@KIND
async def test_the_office_takes_only_json_objects_and_numbers(untouched: System) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{untouched.port}", trust_env=False) as client:
        codes = []
        for method, path, body in (("POST", "/score", "["), ("POST", "/score", "[]"), ("GET", "/bins?cursor=x", "")):
            request = client.build_request(method, path, content=body)
            key, secret = "fillonce-demo", untouched.simulator.KEYS["fillonce-demo"]
            request.headers.update(signed_headers(request, key, secret, SystemClock().now()))
            codes.append(json.loads((await client.send(request)).content)["code"])
    assert codes == ["PARAM", "PARAM", "PARAM"]


@KIND
async def test_the_page_escapes_what_it_shows(system: System) -> None:
    async with system.connector() as connector:
        await connector.push(outgoing("bin_score", score(system, checker="<b>x</b>")))
    page = await asyncio.to_thread(system.page)
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<b>x" not in page
