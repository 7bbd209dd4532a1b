"""SOAP 1.1 around one string: writes the call, and reads the string or the Fault that comes back. Pure.

No WSDL is read and no address taken from one; why there is no SOAP library here is docs/decisions/0018.
"""

from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

import httpx

from connectors.grid_event.document import READ_AS, only, read_xml
from connectors.grid_event.settings import Settings
from hub.sdk import Misconfigured, Refused, Unavailable
from hub.sdk.answers import check_status, unreadable
from hub.sdk.errors import DeliveryFailure
from hub.sdk.http import inconclusive

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
# The xsi:type is what rpc/encoded services go by; the others may have it.
CALL: Final = (
    '<?xml version="1.0" encoding="{charset}"?><soapenv:Envelope xmlns:soapenv="' + SOAP + '"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body><its:{operation} xmlns:its={namespace}>"
    '<{parameter} xsi:type="xsd:string">{document}</{parameter}>'
    "</its:{operation}></soapenv:Body></soapenv:Envelope>"
)
NOWHERE: Final = frozenset((404, 405, 415))
"""A business no comes inside the string; these say that the service is not at this address, but not who says so."""
FAULTS: Final = frozenset((400, 500))
"""Statuses a Fault may come under; SOAP 1.1 says 500, some stacks say 400, and some 200."""
# Lower case, the part after the prefix; `Client` and `Server` may be narrowed down behind a dot.
BUSY: Final = ("servertoobusy", "server.busy", "server.toobusy")
NOT_LET_IN: Final = ("failedauthentication", "invalidsecurity", "client.authentication", "client.authorization")
NOT_OURS: Final = ("versionmismatch", "mustunderstand")


def call(to: Settings, document: str) -> httpx.Request:
    """Return the request that hands a document to the service."""
    text = CALL.format(
        charset=to.envelope_charset.upper(),
        operation=to.operation,
        namespace=quoteattr(to.namespace),
        parameter=f"its:{to.parameter}" if to.qualified else to.parameter,
        document=escape(document),
    )
    # What the envelope's charset lacks goes as a reference, which its parser turns back into the character.
    content = text.encode(to.envelope_charset, "xmlcharrefreplace")
    headers = {"Content-Type": f"text/xml; charset={to.envelope_charset}", "SOAPAction": f'"{to.soap_action}"'}
    return httpx.Request("POST", to.url, content=content, headers=headers)


def returned(to: Settings, response: httpx.Response, now: datetime) -> str:
    """Return the string inside a complete answer to this operation; raise what any other answer means."""
    status = response.status_code
    if status in NOWHERE:
        raise Misconfigured(f"HTTP {status}: there is no such SOAP service at {to.url}", certain=False)
    if status not in FAULTS:
        check_status(response, now)
    if response.headers.get("content-type", "").strip().lower().startswith("multipart/"):
        raise unreadable(response, "in several parts (MTOM), to be switched off there")
    try:
        content = _content(to, response.content)
        if content.tag == f"{{{SOAP}}}Fault":
            raise _meaning(response, content)
        check_status(response, now)
        return _string(to, content)
    except ValueError as failure:
        check_status(response, now)
        raise unreadable(response, f"not the one asked for: {failure}", to.envelope_charset) from failure


def _content(to: Settings, body: bytes) -> Element:
    """Return what is in the Body: one element, whatever it is. The charset is the System's, whatever is declared."""
    envelope = read_xml(body.decode(READ_AS[to.envelope_charset]))
    if envelope.tag != f"{{{SOAP}}}Envelope":
        raise ValueError(f"<{envelope.tag}> is no SOAP 1.1 envelope")
    bodies = envelope.findall(f"{{{SOAP}}}Body")
    if len(bodies) != 1 or len(bodies[0]) != 1:
        raise ValueError("the envelope has not exactly one Body with one element in it")
    return bodies[0][0]


def _string(to: Settings, content: Element) -> str:
    """Return the string; stacks call the element around it return, serviceReturn, serviceResult or out."""
    if content.tag != f"{{{to.namespace}}}{to.operation}Response":
        raise ValueError(f"<{content.tag}> answers another operation")
    if len(content) != 1 or len(content[0]):
        raise ValueError("it does not return exactly one string")
    text = content[0].text or ""
    if not text.strip():
        raise ValueError("it returns nothing")
    return text


def _meaning(response: httpx.Response, fault: Element) -> DeliveryFailure:
    """Sort a Fault by its code. A server's fault happened at some point nobody can see, unless it says it was busy."""
    code, words = (_part(fault, name) for name in ("faultcode", "faultstring"))
    said = f"SOAP Fault {code}: {words}"
    name = code.rpartition(":")[2]
    kind = name.lower()
    if kind.startswith(BUSY):
        return Unavailable(said)
    if kind.startswith(NOT_LET_IN) or kind in NOT_OURS:
        return Misconfigured(said)
    if kind.partition(".")[0] == "client":
        return Refused(words or said, code=name)
    return inconclusive(response.request, said)


def _part(fault: Element, name: str) -> str:
    """Return one part of a Fault; a few stacks put them into the namespace."""
    for tag in (name, f"{{{SOAP}}}{name}"):
        if fault.find(tag) is not None:
            return " ".join(only(fault, tag).split())[:300]
    return ""
