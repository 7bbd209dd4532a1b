"""What is particular to 网格事件: GBK, events filed twice when told twice, corrections, closing, and what it lists."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.grid_event.connector import Connector
from connectors.grid_event.document import written
from connectors.grid_event.envelope import call
from connectors.grid_event.simulated import TIME
from connectors.grid_event.simulator import BEIJING, NAMESPACE, sample_payloads, sample_seed
from hub.sdk import Misconfigured, Outgoing, Page, Refused, Unavailable
from tests.connectors.answering import facing
from tests.connectors.sink import Sink
from tests.connectors.soap import FIND, KEY, KIND, REPORT, absent, document, envelope, said, settings, stored
from tests.connectors.system import System, about, outgoing

EVENT = sample_payloads()["finding"]


def beijing(ahead: timedelta) -> str:
    return (datetime.now(BEIJING) + ahead).strftime(TIME)


def finding(key: str = KEY, /, **changed: Any) -> Any:  # noqa: ANN401 - values of a payload
    more = {name: changed.pop(name) for name in ("intent", "amends") if name in changed}
    return outgoing("finding", {**EVENT, **changed}, key, **more)


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[System]:
    """A grid centre of the test's own."""
    running = System(KIND, tmp_path / KIND)
    await asyncio.to_thread(running.start, sample_seed())
    yield running
    running.stop()


async def shown(centre: System) -> str:
    """What a person sees who looks at it."""
    return await asyncio.to_thread(centre.page)


@pytest.mark.parametrize("kind", [KIND])
@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"title": " "}, "2001", "事件标题不能为空"),
        ({"category": "99"}, "2002", "事件类别不在2026-1版目录内：99"),
        ({"gridCode": "330783005004009"}, "2003", "网格不存在"),
        ({"level": "9"}, "2001", "事件级别"),
        ({"content": "长" * 501}, "2001", "超过500字"),
        ({"occurTime": beijing(timedelta(days=1))}, "2001", "发生时间不能晚于当前时间"),
        ({"occurTime": "2026-03-10T09:30:00Z"}, "2001", "发生时间格式"),
    ],
)
async def test_it_refuses_in_its_own_words(untouched: System, change: dict[str, Any], code: str, words: str) -> None:
    async with untouched.connector() as connector:
        with pytest.raises(Refused, match=words) as refusal:
            await connector.push(finding(**change))
        assert refusal.value.code == code
        assert await connector.probe(about(KEY)) is None


async def test_told_twice_it_has_two_so_the_connector_asks_before_it_tells(centre: System) -> None:
    to: Any = centre.settings()
    head = {"method": "event.report", "serial": KEY, "account": to.account, "password": to.password.get_secret_value()}
    twice = call(to, written("request", {"head": head, "body": {"event": EVENT}}, "gbk"))
    async with httpx.AsyncClient() as stranger:
        for _ in range(2):
            assert "0000" in (await stranger.send(twice)).text
    before = await shown(centre)
    async with centre.connector() as connector:
        receipt = await connector.push(finding())
    assert receipt.repeated
    assert "同一流水号有2件" in receipt.message
    assert await shown(centre) == before
    assert before.count(f"event.report {KEY}") == 2


async def test_an_event_is_corrected_and_closed_under_keys_of_their_own(centre: System) -> None:
    async with centre.connector() as connector:
        filed = await connector.push(finding())
        number = filed.remote_id
        changed = await connector.push(finding("k2:system:1", intent="amend", amends=number, content="已上门调解"))
        closed = await connector.push(finding("k3:system:1", intent="withdraw", amends=number))
        assert {filed.remote_id, changed.remote_id, closed.remote_id} == {number}
        assert [(await connector.probe(about(f"k{n}:system:1"))).remote_id for n in (1, 2, 3)] == [number] * 3
        with pytest.raises(Refused, match="已撤销，不能再修改") as refusal:
            await connector.push(finding("k4:system:1", intent="amend", amends=number))
        assert refusal.value.code == "2005"
        assert await connector.probe(about("k4:system:1")) is None
    page = await shown(centre)
    assert page.count(number) == 1
    assert "<td>已撤销" in page
    assert "已上门调解" in page


async def pages(connector: Connector, source: str, cursor: str = "") -> list[Page]:
    return [page async for page in connector.pull(source, cursor)]


async def test_progress_is_read_from_where_it_was_left(centre: System) -> None:
    async with centre.connector(overlap_changes=1) as connector:
        every = await pages(connector, "events")
        assert [len(page.rows) for page in every] == [2, 1]
        (last,) = await pages(connector, "events", every[-1].cursor)
        assert (last.rows, last.cursor) == (every[-1].rows, every[-1].cursor)
        number = (await connector.push(finding())).remote_id
        await connector.push(finding("k2:system:1", intent="withdraw", amends=number))
        (news,) = await pages(connector, "events", every[-1].cursor)
    assert [(row["eventNo"], row["status"]) for row in news.rows[1:]] == [(number, "已撤销")]
    assert news.rows[0] == last.rows[0], "a little from before is read again"
    assert not news.complete


async def test_categories_are_read_again_when_their_version_has_changed(centre: System) -> None:
    async with centre.connector() as connector:
        (first,) = await pages(connector, "categories")
        assert await pages(connector, "categories", first.cursor) == []
        centre.stop()
        newer = {"version": "2026-2", "categories": [{"code": "09", "name": "电动自行车"}]}
        await asyncio.to_thread(centre.start, newer)
        (second,) = await pages(connector, "categories", first.cursor)
    assert [page.cursor.partition("@")[0] for page in (first, second)] == ["2026-1", "2026-2"]
    assert first.complete
    assert [row for row in second.rows if row not in first.rows] == [{"code": "09", "name": "电动自行车"}]


@pytest.mark.parametrize("kind", [KIND])
@pytest.mark.parametrize(
    "wrong",
    [{"namespace": "http://other.example/"}, {"operation": "submit"}, {"parameter": "arg0"}, {"qualified": True}],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_a_call_it_does_not_know_is_our_settings_fault(untouched: System, wrong: dict[str, object]) -> None:
    """The first thing said is a question that holds nothing of ours, so what is wrong with it is not the event."""
    async with untouched.connector(**wrong) as connector:
        with pytest.raises(Misconfigured, match="Unexpected wrapper element"):
            await connector.push(finding())


@pytest.mark.parametrize("kind", [KIND])
async def test_an_address_where_nothing_is_is_our_settings_fault(untouched: System) -> None:
    elsewhere = f"http://127.0.0.1:{untouched.port}/services/Old"
    async with untouched.connector(url=elsewhere) as connector:
        with pytest.raises(Misconfigured, match="no such SOAP service"):
            await connector.check()


# --- what is sent -----------------------------------------------------------------------------------------------------


@pytest.mark.fault("F65")
@pytest.mark.parametrize("rare", ["𠮷", "😀", "ä", "한"])
async def test_what_gbk_lacks_is_refused_and_nothing_is_sent(rare: str) -> None:
    async with Sink() as sink, facing(sink, KIND) as connector:
        with pytest.raises(
            Refused, match=rf"body\.event\.persons\.item\.name: {rare} \(U\+[0-9A-F]+\) is not in GBK"
        ) as no:
            await connector.push(finding(persons=[{"name": f"张{rare}"}]))
        assert (no.value.code, sink.requests) == ("CHARACTER", [])


@pytest.mark.fault("F65")
async def test_what_is_not_refused_here_is_a_question_mark_there(centre: System) -> None:
    """The simulated one keeps GBK, as its like do, so a setting that promises more than it keeps shows."""
    async with centre.connector(charset="gb18030") as connector:
        await connector.push(finding(reporter="张𠮷"))
    assert "<td>张?" in await shown(centre)
    async with centre.connector() as connector:
        with pytest.raises(Refused, match="𠮷"):
            await connector.push(finding("k2:system:1", reporter="张𠮷"))


@pytest.mark.fault("F65")
@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x0b", "\ufffe", "\ud800"])
def test_what_xml_cannot_say_is_refused(character: str) -> None:
    with pytest.raises(Refused, match=rf"content: U\+{ord(character):04X} cannot be written in XML"):
        written("request", {"content": f"a{character}b"}, "gb18030")


TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")).map(str.strip)


@pytest.mark.fault("F65")
@given(text=TEXTS, charset=st.sampled_from(["utf-8", "gb18030", "gbk"]))
def test_every_text_comes_through_both_layers_whole(text: str, charset: str) -> None:
    """Whatever the envelope's charset lacks is written as a reference there, and is whole again inside."""
    outer = call(settings(envelope_charset=charset), written("request", {"content": text}, "gb18030"))
    body = outer.read().decode(charset)
    assert f'encoding="{charset.upper()}"' in body
    inner = ET.fromstring(body)[0][0][0].text or ""
    assert inner.startswith('<?xml version="1.0" encoding="GB18030"?>')
    assert (ET.fromstring(inner).findtext("content") or "").strip() == text


@pytest.mark.parametrize(
    ("changed", "marks"),
    [
        ({}, [b"<its:service xmlns:its=", b'<xml xsi:type="xsd:string">', b'SOAPAction: ""', b"charset=utf-8"]),
        ({"parameter": "arg0", "qualified": True}, [b'<its:arg0 xsi:type="xsd:string">', b"</its:arg0>"]),
        (
            {"operation": "submitXml", "soap_action": "urn:a/submitXml"},
            [b"<its:submitXml", b'SOAPAction: "urn:a/submitXml"'],
        ),
        ({"envelope_charset": "gbk"}, ["王小明".encode("gbk"), b'encoding="GBK"?><soapenv', b"charset=gbk"]),
        ({"namespace": 'urn:a&b"c'}, [b"""xmlns:its='urn:a&amp;b"c'"""]),
    ],
    ids=["as it is", ".NET", "another operation", "GBK", "an odd namespace"],
)
async def test_the_call_is_what_the_settings_say(changed: dict[str, object], marks: list[bytes]) -> None:
    to = settings(**changed)
    answer = envelope(absent()).replace("serviceResponse", f"{to.operation}Response")
    answer = answer.replace(NAMESPACE, escape(to.namespace, {'"': "&quot;"}))
    async with Sink() as sink, facing(sink, KIND, **changed) as connector:
        sink.on(FIND, said(answer.encode(to.envelope_charset)))
        sink.on(REPORT, said(answer.replace("event.find", "event.report").encode(to.envelope_charset)))
        with pytest.raises(Refused, match="没有该流水号的事件"):
            await connector.push(finding())
        assert [mark for mark in marks if mark not in sink.requests[-1]] == []


async def test_numbers_go_as_they_were_frozen() -> None:
    async with Sink() as sink, facing(sink, KIND) as connector:
        sink.on(FIND, said(envelope(absent()))).on(REPORT, said(envelope(stored())))
        odd = b'{"lon": 120.2400, "lat": 29.2870000000000001, "level": 1, "urgent": true, "address": null}'
        await connector.push(Outgoing(KEY, "finding", "finding/v1", odd))
        sent = sink.requests[-1].decode()
    for name, text in {"lon": "120.2400", "lat": "29.2870000000000001", "level": "1", "urgent": "true"}.items():
        assert f"&lt;{name}&gt;{text}&lt;/{name}&gt;" in sent
    assert "&lt;address /&gt;" in sent


async def test_a_field_that_is_no_xml_name_is_our_settings_fault() -> None:
    async with Sink() as sink, facing(sink, KIND) as connector:
        with pytest.raises(Misconfigured, match=r"field body\.event\.'event title' cannot be the name"):
            await connector.push(finding(**{"event title": "x"}))
        assert sink.requests == []


@pytest.mark.parametrize(
    "body", ["", "<category><code>01</code></category>", "<version>1</version><version>2</version>"]
)
async def test_a_list_without_its_version_is_none(body: str) -> None:
    async with Sink() as sink, facing(sink, KIND) as connector:
        sink.say(said(envelope(document("category.list", "category.list", body=body))))
        with pytest.raises(Unavailable, match=r"cannot be read: <body> has [02] <version> instead of one"):
            await connector.check()


@pytest.mark.fault("F91")
@pytest.mark.case("C69")
@pytest.mark.parametrize("position", ["to be continued", "", "1.5"])
async def test_events_whose_last_change_has_no_number_move_no_mark(position: str) -> None:
    body = f"<event><eventNo>1</eventNo></event><next>{position}</next><more>0</more>"
    async with Sink() as sink, facing(sink, KIND) as connector:
        sink.say(said(envelope(document("event.changes", "event.changes", body=body))))
        with pytest.raises(Unavailable, match="is not the number of a change"):
            await pages(connector, "events", "7")


@pytest.mark.fault("F91")
@pytest.mark.case("C69")
@pytest.mark.parametrize("odd", ["<event/>", "<event>x</event>", "<event><eventNo> </eventNo></event>"])
async def test_an_event_without_its_number_is_left_out_and_the_reading_is_not_whole(odd: str) -> None:
    body = f"<event><eventNo>1</eventNo></event>{odd}<next>2</next><more>0</more>"
    async with Sink() as sink, facing(sink, KIND) as connector:
        sink.say(said(envelope(document("event.changes", "event.changes", body=body))))
        (page,) = await pages(connector, "events")
    assert [row["eventNo"] for row in page.rows] == ["1"]
    assert [each.reason for each in page.left_out] == ["row 2 of its page has no eventNo"]
    assert not page.complete


@pytest.mark.fault("F91")
@pytest.mark.case("C69")
async def test_a_list_that_promises_more_and_gives_nothing_ends() -> None:
    more = document("event.changes", "event.changes", body="<next>7</next><more>1</more>")
    async with Sink() as sink, facing(sink, KIND) as connector:
        sink.say(said(envelope(more)))
        with pytest.raises(Unavailable, match="gives none of them"):
            await pages(connector, "events")
        assert len(sink.requests) == 1
