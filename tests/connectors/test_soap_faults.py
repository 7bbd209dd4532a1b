"""What a SOAP service may answer instead of yes: the connector never takes it for one, and sorts it right."""

import pytest

from hub.sdk import Misconfigured, Refused, Unanswered, Unavailable
from hub.sdk.errors import DeliveryFailure
from tests.connectors.answering import NOT_SUCCESS, facing, page
from tests.connectors.sink import Sink
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
    fault,
    in_cdata,
    in_pieces,
    said,
    settings,
    stored,
    understood,
)
from tests.connectors.system import about, outgoing

GOOD = envelope(stored()).encode()
RESPONSE = f'<n:serviceResponse xmlns:n="{NAMESPACE}">%s</n:serviceResponse>'


# --- the declared success ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("write", [in_cdata, in_pieces], ids=["CDATA", "CDATA in pieces"])
def test_every_stack_s_way_to_return_a_string_is_read(stack: str, write: object) -> None:
    assert callable(write)
    for text in (envelope(stored(), stack), STACKS[stack] % write(stored())):
        receipt = understood(text.encode())
        assert (receipt.remote_id, receipt.message, receipt.answer) == ("ZZ-1", "成功", "0000 ZZ-1")


async def test_a_filing_asks_first_and_tells_once() -> None:
    async with Sink() as sink, facing(sink, KIND) as connector:
        sink.on(FIND, said(envelope(absent()))).on(REPORT, said(GOOD))
        receipt = await connector.push(outgoing("finding", {"n": 1}))
        assert (receipt.remote_id, receipt.repeated) == ("ZZ-1", False)
        assert [REPORT in each for each in sink.requests] == [False, True]


@pytest.mark.fault("F52")
def test_already_there_is_success_only_where_it_is_ours() -> None:
    ours = document(code="2009", words="疑似重复", body=event(number="ZZ-9"))
    assert understood(envelope(ours).encode()).repeated
    for body in (event("somebody-else"), "", event(number="")):
        with pytest.raises((Refused, Unanswered)) as no:
            understood(envelope(document(code="2009", words="疑似重复", body=body)).encode())
        assert (no.type is Refused) == (KEY not in body)


# --- everything else --------------------------------------------------------------------------------------------------

NO_SUCCESS: dict[str, tuple[str, type[DeliveryFailure]]] = {
    "an empty Body": (around(""), Unanswered),
    "no Body": (f'<soap:Envelope xmlns:soap="{SOAP}"/>', Unanswered),
    "two Bodies": (GOOD.decode().replace("</soap:Body>", "</soap:Body><soap:Body/>"), Unanswered),
    "a Fault beside the answer": (
        GOOD.decode().replace(
            "</soap:Body>", "<soap:Fault><faultcode>soap:Server</faultcode></soap:Fault></soap:Body>"
        ),
        Unanswered,
    ),
    "a Fault without a code": (around("<soap:Fault><faultstring>x</faultstring></soap:Fault>"), Unanswered),
    "a Fault with two": (
        around("<soap:Fault><faultcode>soap:Client</faultcode><faultcode>soap:Server</faultcode></soap:Fault>"),
        Unanswered,
    ),
    "another operation": (GOOD.decode().replace("serviceResponse", "queryResponse"), Unanswered),
    "another namespace": (GOOD.decode().replace(NAMESPACE, "http://other.example/"), Unanswered),
    "no namespace": (around(f"<serviceResponse><return>{stored()}</return></serviceResponse>"), Unanswered),
    "our own call": (GOOD.decode().replace("serviceResponse", "service"), Unanswered),
    "SOAP 1.2": (GOOD.decode().replace(SOAP, "http://www.w3.org/2003/05/soap-envelope"), Unanswered),
    "no return": (around(RESPONSE % ""), Unanswered),
    "an empty return": (around(RESPONSE % "<return/>"), Unanswered),
    "a blank return": (around(RESPONSE % "<return> \n</return>"), Unanswered),
    "xsi:nil": (
        around(RESPONSE % '<return xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'),
        Unanswered,
    ),
    "two returns": (around(RESPONSE % "<return>1</return><return>2</return>"), Unanswered),
    "the document not as a string": (around(RESPONSE % f"<return>{stored().partition('?>')[2]}</return>"), Unanswered),
    "more than a string": (GOOD.decode().replace("</return>", "<more/></return>"), Unanswered),
    "a reference instead (MTOM)": (
        around(RESPONSE % '<return><i:Include xmlns:i="http://www.w3.org/2004/08/xop/include" href="cid:1"/></return>'),
        Unanswered,
    ),
    "only a word": (envelope("OK"), Unanswered),
    "JSON": (envelope('{"code":"0000"}'), Unanswered),
    "HTML": (envelope("<html><body>请登录</body></html>"), Unanswered),
    "half a document": (envelope(stored()[:-9]), Unanswered),
    "two documents": (envelope(stored() + stored()), Unanswered),
    "another document": (envelope(stored().replace("response", "request")), Unanswered),
    "escaped twice": (envelope(stored().replace("<", "&lt;")), Unanswered),
    "another method": (envelope(document("event.update", body=event())), Unanswered),
    "another key": (envelope(document(serial="k2:system:1", body=event())), Unanswered),
    "another key's event": (envelope(document(body=event("k2:system:1"))), Unanswered),
    "no key": (envelope(document(serial="", body=event())), Unanswered),
    "no event": (envelope(document()), Unanswered),
    "no number": (envelope(document(body=event(number=" "))), Unanswered),
    "no code": (envelope(document(code="", body=event())), Unanswered),
    "elements for a code": (envelope(document(code="<a>0000</a>", body=event())), Unanswered),
    "two codes": (
        envelope(stored().replace("</head>", "<resultCode>9999</resultCode></head>")),
        Unanswered,
    ),
    "a code nobody knows": (envelope(document(code="200", body=event())), Unanswered),
    "its own failure": (envelope(document(code="9999", words="系统异常", body=event())), Unanswered),
    "busy": (envelope(document(code="9001", words="系统繁忙")), Unavailable),
    "a no of substance": (envelope(document(code="2002", words="类别不在目录内")), Refused),
    "an account": (envelope(document(code="1001", words="账号或密码错误", body=event())), Misconfigured),
}


@pytest.mark.fault("F50")
@pytest.mark.parametrize(("text", "verdict"), NO_SUCCESS.values(), ids=NO_SUCCESS.keys())
def test_http_200_with_anything_else_is_no_success(text: str, verdict: type[DeliveryFailure]) -> None:
    with pytest.raises(verdict) as failure:
        understood(text.encode())
    assert failure.type is verdict
    assert failure.value.reason


@pytest.mark.fault("F50")
async def test_neither_is_what_other_kinds_of_software_say() -> None:
    async with Sink() as sink, facing(sink, KIND) as connector:
        sink.on(FIND, said(envelope(absent())))
        for name, (content_type, body) in NOT_SUCCESS.items():
            sink.say(page(content_type, body))
            with pytest.raises(Unanswered) as failure:
                await connector.push(outgoing("finding", {"n": 1}))
            assert failure.value.reason, name


FAULTS: dict[str, type[DeliveryFailure]] = {
    "soap:Client": Refused,
    "Client": Refused,
    "x:y:Client.Schema": Refused,
    "soap:Server": Unanswered,
    "Server.userException": Unanswered,
    "ns1:JaxbException": Unanswered,
    "": Unanswered,
    "soap:Clientele": Unanswered,
    "a:ServerTooBusy": Unavailable,
    "soap:Server.Busy": Unavailable,
    "wsse:FailedAuthentication": Misconfigured,
    "wsse:InvalidSecurityToken": Misconfigured,
    "soap:Client.Authentication": Misconfigured,
    "soap:VersionMismatch": Misconfigured,
    "soap:MustUnderstand": Misconfigured,
}


@pytest.mark.fault("F50")
@pytest.mark.parametrize("status", [200, 202, 400, 500])
@pytest.mark.parametrize(("code", "verdict"), FAULTS.items())
def test_a_fault_is_sorted_by_its_code_whatever_its_status(
    code: str, verdict: type[DeliveryFailure], status: int
) -> None:
    detail = f"<detail><x>{event()}</x></detail>"
    qualified = fault(code).replace("faultcode>", "soap:faultcode>").replace("faultstring>", "soap:faultstring>")
    for text in (fault(code), fault(code, more=detail), qualified):
        with pytest.raises(verdict, match="服务器内部错误") as failure:
            understood(text.encode(), status)
        assert failure.type is verdict


@pytest.mark.fault("F50")
@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, Misconfigured) for status in (301, 302, 307, 401, 403, 404, 405, 410, 415)),
        *((status, Unavailable) for status in (408, 429, 503)),
        *((status, Unanswered) for status in (500, 502, 504, 999)),
        *((status, Refused) for status in (400, 413)),
    ],
)
def test_a_status_that_says_no_is_no_success_even_around_the_declared_one(
    status: int, verdict: type[DeliveryFailure]
) -> None:
    for body in (GOOD, b"<html>no</html>", b""):
        with pytest.raises(verdict) as failure:
            understood(body, status)
        assert failure.type is verdict


@pytest.mark.fault("F50")
@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [(503, "Client", Unavailable), (401, "Server", Misconfigured), (502, "Client", Unanswered)],
)
def test_a_status_that_says_more_than_its_fault_decides(status: int, code: str, verdict: type[DeliveryFailure]) -> None:
    with pytest.raises(verdict, match=f"HTTP {status}") as failure:
        understood(fault(f"soap:{code}").encode(), status)
    assert failure.type is verdict


@pytest.mark.fault("F50")
@pytest.mark.parametrize(
    ("code", "verdict"),
    [("9999", Unavailable), ("9001", Unavailable), ("", Unavailable), ("2001", Misconfigured), ("1001", Misconfigured)],
)
async def test_only_its_word_for_it_means_that_nothing_arrived(code: str, verdict: type[DeliveryFailure]) -> None:
    """Anything else, taken for an absence, would be a second filing."""
    async with Sink() as sink, facing(sink, KIND) as connector:
        sink.say(said(envelope(document("event.find", code=code, words="没有"))))
        with pytest.raises(verdict):
            await connector.push(outgoing("finding", {"n": 1}))
        assert sink.seen(REPORT) == 0


@pytest.mark.fault("F50")
async def test_to_a_question_silence_is_unavailable_and_a_no_our_settings_fault() -> None:
    async with Sink() as sink, facing(sink, KIND) as connector:
        sink.say(said(fault("soap:Client", "no such operation")))
        with pytest.raises(Misconfigured, match="no such operation"):
            await connector.push(outgoing("finding", {"n": 1}))
        sink.say(said(fault("soap:Server")))
        with pytest.raises(Unavailable, match="SOAP Fault soap:Server"):
            await connector.probe(about(KEY))
        sink.say(said(envelope(document("event.find", "k2:system:1", "2004"))))
        with pytest.raises(Unavailable, match=r"to event\.find k2:system:1"):
            await connector.push(outgoing("finding", {"n": 1}))
        assert sink.seen(REPORT) == 0


# --- charsets ---------------------------------------------------------------------------------------------------------


@pytest.mark.fault("F57")
@pytest.mark.parametrize("declared", ["utf-8", "gbk", "utf-16", "no-such-charset", ""])
@pytest.mark.parametrize(
    ("ours", "written", "good"),
    [
        ("utf-8", "utf-8", True),
        ("utf-8", "utf-8-sig", True),
        ("utf-8", "gbk", False),
        ("utf-8", "utf-16", False),
        ("gbk", "gbk", True),
        ("gbk", "gb18030", True),
        ("gb18030", "gb18030", True),
        ("gbk", "utf-16", False),
    ],
)
def test_the_connectors_charset_decides_whatever_is_declared(
    ours: str, written: str, good: bool, declared: str
) -> None:
    words = "已受理㙦" if written == "gb18030" else "已受理"
    text = envelope(stored().replace("成功", words))
    if declared:
        text = f'<?xml version="1.0" encoding="{declared}"?>{text}'
    body, header = text.encode(written), f"text/xml; charset={declared}" if declared else "text/xml"
    to = settings(envelope_charset=ours)
    if good:
        assert understood(body, content_type=header, to=to).message == words
    else:
        with pytest.raises(Unanswered, match="HTTP 200 with an answer that is not the one asked for"):
            understood(body, content_type=header, to=to)


@pytest.mark.fault("F57")
@pytest.mark.parametrize("body", [b"\xff", GOOD.replace("成功".encode(), b"\xff\xff"), b"\x00" * 400, GOOD + b"\x00"])
@pytest.mark.parametrize("ours", ["utf-8", "gbk", "gb18030"])
def test_what_cannot_be_read_in_it_is_no_success(ours: str, body: bytes) -> None:
    with pytest.raises(Unanswered):
        understood(body, to=settings(envelope_charset=ours))
