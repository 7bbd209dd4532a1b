"""The sink's SOAP twin: what a service says through the sink, as each stack writes it, well and badly."""

from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import httpx

from connectors.grid_event.envelope import call, returned
from connectors.grid_event.mapping import Answer, filed, found, read_answer
from connectors.grid_event.settings import Settings
from connectors.grid_event.simulator import NAMESPACE, SOAP, settings_for
from hub.clock import SystemClock
from hub.sdk import Receipt
from tests.connectors.answering import page

KIND: Final = "grid_event"
KEY: Final = "k1:system:1"
REPORT: Final = b"event.report"
FIND: Final = b"event.find"
XML: Final = "text/xml; charset=UTF-8"


def document(
    method: str = "event.report", serial: str = KEY, code: str = "0000", words: str = "成功", body: str = ""
) -> str:
    """The document inside an answer."""
    about = f"<method>{method}</method><serial>{serial}</serial>"
    head = f"<head>{about}<resultCode>{code}</resultCode><resultMsg>{words}</resultMsg></head>"
    return f'<?xml version="1.0" encoding="GBK"?><response>{head}<body>{body}</body></response>'


def event(serial: str = KEY, number: str = "ZZ-1") -> str:
    """What an answer says of one event."""
    return f"<event><eventNo>{number}</eventNo><serial>{serial}</serial><status>已受理</status></event>"


def stored(serial: str = KEY) -> str:
    """The declared success of a filing."""
    return document(serial=serial, body=event(serial))


def absent(serial: str = KEY) -> str:
    """The answer that nothing came under a serial."""
    return document("event.find", serial, "2004", "没有该流水号的事件")


def there(serial: str = KEY) -> str:
    """The answer that an event did."""
    return document("event.find", serial, body=event(serial))


XSI: Final = (
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/"'
)
STACKS: Final = {
    "CXF": f"""<soap:Envelope xmlns:soap="{SOAP}"><soap:Body><ns2:serviceResponse xmlns:ns2="{NAMESPACE}">
<return>%s</return></ns2:serviceResponse></soap:Body></soap:Envelope>""",
    "Axis 1, rpc/encoded": f"""<?xml version="1.0" encoding="utf-8"?><soapenv:Envelope xmlns:soapenv="{SOAP}" {XSI}>
<soapenv:Body><ns1:serviceResponse soapenv:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"
 xmlns:ns1="{NAMESPACE}"><serviceReturn xsi:type="xsd:string">%s</serviceReturn></ns1:serviceResponse></soapenv:Body>
</soapenv:Envelope>""",
    "Axis 2": f"""<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv="{SOAP}"><soapenv:Header/>
<soapenv:Body><ns:serviceResponse xmlns:ns="{NAMESPACE}"><ns:return>%s</ns:return></ns:serviceResponse></soapenv:Body>
</soapenv:Envelope>""",
    ".NET asmx": f"""<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{SOAP}" {XSI}><soap:Body>
<serviceResponse xmlns="{NAMESPACE}"><serviceResult>%s</serviceResult></serviceResponse></soap:Body></soap:Envelope>""",
    "XFire": f"""<Envelope xmlns="{SOAP}" {XSI}><Body><x:serviceResponse xmlns:x="{NAMESPACE}"><x:out>%s</x:out>
</x:serviceResponse></Body></Envelope>""",
    "node-soap": f"""<?xml version="1.0"?><soap:Envelope xmlns:soap="{SOAP}" xmlns:tns="{NAMESPACE}"><soap:Header>
<tns:served>1</tns:served></soap:Header><soap:Body><tns:serviceResponse><tns:return>%s</tns:return></tns:serviceResponse>
</soap:Body></soap:Envelope>""",
    "gSOAP, after blank lines": f"""

<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}" {XSI} xmlns:z="{NAMESPACE}">
<SOAP-ENV:Body><z:serviceResponse><result>%s</result></z:serviceResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>""",
}
"""One string, as different stacks return it."""


def in_cdata(text: str) -> str:
    """A string as one CDATA section."""
    return f"<![CDATA[{text}]]>"


def in_pieces(text: str) -> str:
    """A string as a CDATA section for every character but the first, which is escaped."""
    return escape(text[0]) + "".join(f"<![CDATA[{each}]]>" for each in text[1:])


def envelope(text: str, stack: str = "CXF") -> str:
    """An answer that returns a string."""
    return STACKS[stack] % escape(text)


def around(content: str) -> str:
    """An envelope around anything."""
    return f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body>{content}</soap:Body></soap:Envelope>'


def fault(code: str, words: str = "服务器内部错误", more: str = "") -> str:
    """An envelope around a Fault."""
    return around(f"<soap:Fault><faultcode>{code}</faultcode><faultstring>{words}</faultstring>{more}</soap:Fault>")


def said(text: str | bytes, content_type: str = XML) -> bytes:
    """An HTTP answer, UTF-8 where nothing else is asked for."""
    return page(content_type, text.encode() if isinstance(text, str) else text)


def settings(**changed: object) -> Settings:
    """The connector's settings, for a System nobody will reach."""
    return Settings.model_validate({**settings_for(9, Path()), **changed})


def understood(body: bytes, status: int = 200, content_type: str = XML, to: Settings | None = None) -> Receipt:
    """What the connector makes of a complete answer to a filing; raises as it does."""
    return filed(answer_in(body, "event.report", status, content_type, to or settings()))


def looked_up(body: bytes) -> Receipt | None:
    """What it makes of a complete answer to the question whether a key has been there."""
    return found(answer_in(body, "event.find", 200, XML, settings()))


def answer_in(body: bytes, method: str, status: int, content_type: str, to: Settings) -> Answer:
    """The answer in an HTTP answer."""
    headers, request = {"Content-Type": content_type}, call(to, "<request/>")
    response = httpx.Response(status, headers=headers, content=body, request=request)
    return read_answer(response, returned(to, response, SystemClock().now()), method, KEY)
