"""XML that means harm, and any bytes at all: refused at once, nothing fetched, a receipt for nothing but success."""

import random
import re
import time
from collections import Counter
from dataclasses import dataclass, replace

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.grid_event.connector import Connector
from hub.clock import SystemClock
from hub.sdk import Misconfigured, Receipt, Refused, Unanswered, Unavailable
from hub.sdk.doors import Doors
from hub.sdk.egress import Egress
from hub.sdk.errors import DeliveryFailure
from hub.sdk.http import HttpDoor
from tests.connectors.answering import facing
from tests.connectors.sink import Sink, answer
from tests.connectors.soap import (
    FIND,
    KEY,
    KIND,
    NAMESPACE,
    REPORT,
    SOAP,
    STACKS,
    absent,
    around,
    document,
    envelope,
    event,
    looked_up,
    said,
    settings,
    stored,
    understood,
)
from tests.connectors.system import outgoing
from tests.connectors.test_answers_broken import forget_peak, memory_mb

SEED = 20261122
GOOD = envelope(stored()).encode()
ABSENT = envelope(absent()).encode()
ONE_OF_FOUR = (Refused, Unavailable, Misconfigured, Unanswered)


# --- hostile XML ------------------------------------------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha" * 10}">' for n in range(10))
DTDS = {
    "billion laughs": (f"<!DOCTYPE x [{LAUGHS}]>", "&l9;"),
    "quadratic blow-up": (f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>', "&a;" * 5_000),
    "an external entity": ('<!DOCTYPE x [<!ENTITY e SYSTEM "CANARY">]>', "&e;"),
    "a file": ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', "&e;"),
    "a parameter entity": ('<!DOCTYPE x [<!ENTITY % p SYSTEM "CANARY">%p;]>', ""),
    "an external DTD": ('<!DOCTYPE x SYSTEM "CANARY">', ""),
    "an empty DTD": ("<!DOCTYPE x>", ""),
}


@pytest.mark.fault("F56", "F60")
@pytest.mark.parametrize(("dtd", "used"), DTDS.values(), ids=DTDS.keys())
@pytest.mark.parametrize("where", ["outer", "inner"])
async def test_a_dtd_is_refused_at_once_and_nothing_is_fetched(dtd: str, used: str, where: str) -> None:
    async with Sink() as canary, Sink() as sink, facing(sink, KIND) as connector:
        dtd = dtd.replace("CANARY", canary.url)
        inner = stored().replace("成功", used)
        text = (
            dtd + envelope("X").replace("X", used)
            if where == "outer"
            else envelope(inner.replace("<resp", f"{dtd}<resp"))
        )
        sink.on(FIND, said(envelope(absent()))).on(REPORT, said(text))
        held, began = forget_peak(), time.monotonic()
        with pytest.raises(Unanswered, match="it has a DTD"):
            await connector.push(outgoing("finding", {"n": 1}))
        assert time.monotonic() - began < 1
        assert memory_mb("VmHWM") - held < 20
        assert canary.connections == 0


@pytest.mark.fault("F60")
async def test_no_address_in_an_answer_is_ever_contacted() -> None:
    """Neither a schema, a style sheet, an include nor a better place to ask; a redirect is not followed."""
    async with Sink() as canary, Sink() as sink, facing(sink, KIND) as connector:
        schema = f'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="{NAMESPACE} {canary.url}"'
        include = f'<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="{canary.url}"/>'
        style = f'<?xml-stylesheet href="{canary.url}"?>'
        wsdl = f"<location>{canary.url}</location>"
        text = style + envelope(stored().replace("<body>", f"{include}{wsdl}<body>")).replace(
            "<return", f"<return {schema}"
        )
        sink.on(FIND, said(envelope(absent()))).on(REPORT, said(text))
        assert (await connector.push(outgoing("finding", {"n": 1}))).remote_id == "ZZ-1"
        sink.on(b"event.close", answer(307, GOOD, f"Location: {canary.url}\r\nContent-Location: {canary.url}\r\n"))
        with pytest.raises(Misconfigured, match="HTTP 307"):
            await connector.push(outgoing("finding", {}, intent="withdraw", amends="ZZ-1"))
        assert canary.connections == 0
        assert {each.split(b"\r\n")[0] for each in sink.requests} == {b"POST /zzwg/services/EventService HTTP/1.1"}


@pytest.mark.fault("F56")
@pytest.mark.parametrize(
    "text",
    ["<a/>" * 250_000, "<a>" * 330_000, "<a " + " ".join(f'b{n}=""' for n in range(90_000)) + "/>", "&#65;" * 200_000],
    ids=["many", "deep", "wide", "references"],
)
@pytest.mark.parametrize("where", ["outer", "inner"])
def test_a_megabyte_of_markup_is_refused_quickly_and_cheaply(text: str, where: str) -> None:
    body = (around(text) if where == "outer" else envelope(text[:250_000])).encode()
    held, began = forget_peak(), time.monotonic()
    with pytest.raises(Unanswered):
        understood(body)
    assert time.monotonic() - began < 1
    assert memory_mb("VmHWM") - held < 30


@pytest.mark.fault("F50")
async def test_an_answer_in_several_parts_is_refused_clearly() -> None:
    parts = b'--b\r\nContent-Type: application/xop+xml; type="text/xml"\r\n\r\n' + GOOD + b"\r\n--b--"
    async with Sink() as sink, facing(sink, KIND) as connector:
        sink.on(FIND, said(envelope(absent())))
        for content_type in (
            'multipart/related; boundary=b; type="application/xop+xml"',
            "Multipart/Related;boundary=b",
        ):
            sink.say(said(parts, content_type)).say(said(GOOD, content_type))
            for _ in range(2):
                with pytest.raises(Unanswered, match=re.escape("in several parts (MTOM), to be switched off there")):
                    await connector.push(outgoing("finding", {"n": 1}))


# --- whatever comes back ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parts:
    """What an answer is made of; the plain one is the declared success."""

    envelope: str = SOAP
    namespace: str = NAMESPACE
    response: str = "serviceResponse"
    root: str = "response"
    method: str = "event.report"
    serial: str = KEY
    code: str = "0000"
    owner: str = KEY
    number: str = "ZZ-1"

    def body(self) -> bytes:
        """Write it."""
        inner = document(self.method, self.serial, self.code, "好", event(self.owner, self.number))
        text = envelope(inner.replace("response>", f"{self.root}>"), "Axis 2").replace("serviceResponse", self.response)
        return text.replace(SOAP, self.envelope).replace(NAMESPACE, self.namespace).encode()


def either_or(*others: str) -> dict[str, st.SearchStrategy[str]]:
    """Each part as it should be, mostly, or as it should not."""
    plain = Parts()
    return {
        name: st.sampled_from([getattr(plain, name)] * 6 + list(others))
        for name in plain.__dataclass_fields__
        if name != "code"
    }


CODES = st.sampled_from(["0000"] * 4 + ["2009", "2001", "1001", "9001", "9999", "0", "", "00000"])


@pytest.mark.fault("F50")
@given(parts=st.builds(Parts, code=CODES, **either_or("other", "", "k2:system:1")))
@example(Parts())
def test_a_receipt_is_given_for_exactly_the_declared_success(parts: Parts) -> None:
    asked = replace(parts, code="0000") == replace(Parts(), number=parts.number) and bool(parts.number)
    declared = asked and parts.code in ("0000", "2009")
    try:
        receipt = understood(parts.body())
    except ONE_OF_FOUR:
        assert not declared
        return
    assert declared
    assert (receipt.remote_id, receipt.repeated) == (parts.number, parts.code == "2009")


@pytest.mark.fault("F60")
@given(
    body=st.binary(max_size=300),
    at=st.integers(0, len(GOOD)),
    gone=st.integers(0, 30),
    status=st.sampled_from([200, 500]),
)
@example(b"", 0, 0, 500)
def test_any_bytes_anywhere_are_a_receipt_for_our_key_or_one_of_four_errors(
    body: bytes, at: int, gone: int, status: int
) -> None:
    spoilt = GOOD[:at] + body + GOOD[at + gone :]
    for whole in (body, spoilt):
        try:
            receipt = understood(whole, status)
        except ONE_OF_FOUR:
            continue
        assert status == 200
        assert holds(whole, receipt)


@pytest.mark.fault("F60")
@given(body=st.binary(max_size=300), at=st.integers(0, len(ABSENT)), gone=st.integers(0, 30))
@example(b"k2", ABSENT.index(KEY.encode()), 2)
def test_no_bytes_but_its_word_for_our_key_mean_that_nothing_was_filed(body: bytes, at: int, gone: int) -> None:
    whole = ABSENT[:at] + body + ABSENT[at + gone :]
    try:
        receipt = looked_up(whole)
    except ONE_OF_FOUR:
        return
    assert receipt is None
    assert says(whole, f"<serial>{KEY}</serial>", "2004</resultCode>", "serviceResponse", "event.find")


def holds(body: bytes, receipt: Receipt) -> bool:
    """Whether the declared success is there in so many words."""
    marks = (f"<serial>{KEY}</serial>", "0000</resultCode>", receipt.remote_id, "serviceResponse", "event.report")
    return bool(receipt.remote_id) and says(body, *marks)


def says(body: bytes, *marks: str) -> bool:
    """Whether all this is in it, read by nothing of ours."""
    plain = body.decode().replace("&lt;", "<").replace("&gt;", ">")
    return all(mark in plain for mark in marks)


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_a_service_that_throws_our_words_back_shows_nobody_the_password(status: int) -> None:
    to, thrown = settings(password="short-one"), list[bytes]()

    def reply(request: httpx.Request) -> httpx.Response:
        thrown.append(request.content)
        return httpx.Response(status, content=request.content)

    egress = Egress.parse(["127.0.0.1:9"], allow_loopback=True)
    doors = Doors(HttpDoor(egress, transport=httpx.MockTransport(reply)), egress, SystemClock())
    with pytest.raises(ONE_OF_FOUR) as failure:
        await Connector(to, doors).check()
    assert b"short-one" in thrown[0]
    assert "short-one" not in failure.value.reason


PIECES = (
    b"<!DOCTYPE x>", b"<![CDATA[", b"]]>", b"&lt;", b"&amp;", b"&#0;", b"<!--", b"-->", b"<?x ?>", b"</", b">", b"\0",
    b"\xff\xfe", "成".encode("gbk"), b"0000", b"2004", b"9999", b"soap:Fault", KEY.encode(), b"<return/>", b"xsi:nil",
    b"HTTP/1.1 200 OK\r\n\r\n", b"Content-Length: 5\r\n",
)  # fmt: skip


@pytest.mark.fault("F60")
async def test_two_thousand_spoilt_answers_to_the_whole_connector_are_no_accident() -> None:
    """Answers to its question are left whole: it asks three times, in real time."""
    dice, verdicts = random.Random(SEED), Counter[str]()

    def reply(request: httpx.Request) -> httpx.Response:
        if FIND in request.content:
            return httpx.Response(200, text=envelope(absent()))
        text = bytearray(envelope(stored(), dice.choice(tuple(STACKS))).encode())
        for _ in range(dice.randint(0, 3)):
            at = dice.randrange(len(text) + 1)
            text[at : at + dice.choice((0, 1, 5, 40))] = dice.choice(PIECES)
        return httpx.Response(dice.choice((200, 200, 200, 400, 500, 503, 302, 204)), content=bytes(text))

    egress = Egress.parse(["127.0.0.1:9"], allow_loopback=True)
    doors = Doors(HttpDoor(egress, transport=httpx.MockTransport(reply)), egress, SystemClock())
    connector = Connector(settings(), doors)
    for _ in range(2_000):
        try:
            receipt = await connector.push(outgoing("finding", {"n": 1}))
            verdicts["receipt"] += 1
            assert receipt.remote_id
        except DeliveryFailure as failure:
            verdicts[type(failure).__name__] += 1
    assert min(verdicts[each] for each in ("receipt", "Unanswered", "Unavailable", "Misconfigured")) > 50
