"""Simulated 网格事件: a SOAP service of its own with the rules and the quirks of the real kind.

Run: python -m connectors.grid_event.simulator --port N --data DIR [--seed FILE.json]
"""

import argparse
import html
import json
import socket
import sys
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from connectors.grid_event.simulated import ACCOUNTS, FILED, TIME, Centre, Declined, let_in
from connectors.grid_event.simulated_source import Categories, Events

BEIJING = timezone(timedelta(hours=8))
PATH = "/zzwg/services/EventService"
NAMESPACE = "http://service.event.zzwg.example/"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
CHARSET = "gbk"
ENVELOPE = f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body>%s</soap:Body></soap:Envelope>'
RESPONSE = f'<ns2:serviceResponse xmlns:ns2="{NAMESPACE}"><return>%s</return></ns2:serviceResponse>'
FAULT = "<soap:Fault><faultcode>soap:%s</faultcode><faultstring>%s</faultstring></soap:Fault>"
# As so often, the address in it is that of the machine it was generated on.
WSDL = f"""<?xml version="1.0" encoding="UTF-8"?>
<wsdl:definitions targetNamespace="{NAMESPACE}" xmlns:tns="{NAMESPACE}" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"
    xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  <wsdl:types><xsd:schema targetNamespace="{NAMESPACE}">
    <xsd:element name="service"><xsd:complexType><xsd:sequence>
      <xsd:element name="xml" type="xsd:string"/></xsd:sequence></xsd:complexType></xsd:element>
    <xsd:element name="serviceResponse"><xsd:complexType><xsd:sequence>
      <xsd:element name="return" type="xsd:string"/></xsd:sequence></xsd:complexType></xsd:element>
  </xsd:schema></wsdl:types>
  <wsdl:message name="service"><wsdl:part name="parameters" element="tns:service"/></wsdl:message>
  <wsdl:message name="serviceResponse"><wsdl:part name="parameters" element="tns:serviceResponse"/></wsdl:message>
  <wsdl:portType name="EventService"><wsdl:operation name="service">
    <wsdl:input message="tns:service"/><wsdl:output message="tns:serviceResponse"/></wsdl:operation></wsdl:portType>
  <wsdl:binding name="EventSoap" type="tns:EventService">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="service"><soap:operation soapAction=""/>
      <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation></wsdl:binding>
  <wsdl:service name="EventService"><wsdl:port name="EventPort" binding="tns:EventSoap">
    <soap:address location="http://192.0.2.10:8080{PATH}"/></wsdl:port></wsdl:service>
</wsdl:definitions>"""
PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>模拟系统 · 网格事件</title>
<style>body{{font:16px sans-serif;margin:2em}}td,th{{padding:.3em 1em;text-align:left}}</style>
<h1>模拟系统 · 网格事件</h1><p>这是一套模拟系统，数据均为虚构。已收到事件 {count} 件：</p><table>
<tr><th>事件编号<th>状态<th>标题<th>类别<th>级别<th>网格<th>地点<th>发生时间<th>上报人<th>内容<th>流水</tr>{rows}</table></html>"""
SHOWN = ("title", "category", "level", "gridCode", "address", "occurTime", "reporter", "content")


def settings_for(port: int, directory: Path) -> dict[str, Any]:  # noqa: ARG001 - the signature all simulators share
    """Return connector settings for this simulator, small pages so that a pull needs several."""
    account, password = next(iter(ACCOUNTS.items()))
    url = f"http://127.0.0.1:{port}{PATH}"
    return {"url": url, "namespace": NAMESPACE, "account": account, "password": password, "page_rows": 2}


def reaches(port: int) -> list[str]:
    """Return what a System's `reaches` must say for this simulator."""
    return [f"127.0.0.1:{port}"]


def sample_seed() -> dict[str, Any]:
    """Return invented categories, grids and events, more than one page of them."""
    names = ("矛盾纠纷", "安全隐患", "环境卫生", "公共设施", "其他")
    categories = [{"code": f"0{n}", "name": name} for n, name in enumerate(names, 1)]
    grids = [{"code": f"330783005004{n:03d}", "name": f"茗田第{n}网格"} for n in (1, 2)]
    event = {
        "category": "02",
        "gridCode": "330783005004001",
        "occurTime": "2026-03-01 09:00:00",
        "reporter": "网格员甲",
    }
    events = [{**event, "title": f"隐患{n}", "content": "楼道堆物", "status": FILED} for n in range(1, 4)]
    return {"version": "2026-1", "categories": categories, "grids": grids, "events": events}


def sample_payloads() -> dict[str, dict[str, Any]]:
    """Return, for each flow, a payload the simulator with the sample seed accepts."""
    event = {
        "title": "邻里排水沟纠纷",
        "category": "01",
        "level": "1",
        "gridCode": "330783005004001",
        "address": "茗田社区1号",
        "occurTime": beijing_now(),
        "reporter": "王小明",
        "persons": [{"name": "张三", "role": "当事人"}],
        "content": "与东邻为排水沟有争执，已劝解",
    }
    return {"finding": event}


def sources(directory: Path) -> dict[str, Categories | Events]:
    """Return what can be pulled, to be changed from outside while the simulator runs."""
    page_rows: int = settings_for(0, directory)["page_rows"]
    return {"categories": Categories(directory), "events": Events(directory, page_rows, beijing_now)}


def beijing_now() -> str:
    """Return wall-clock time the way this System writes it."""
    return datetime.now(BEIJING).strftime(TIME)


async def service(request: Request) -> Response:
    """POST: one string in, one string out, whatever is asked; only what is no call at all is a Fault."""
    centre: Centre = request.app.state.centre
    try:
        envelope = ET.fromstring(await request.body())  # noqa: S314 - a simulator, on loopback only
        text = envelope.findtext(f"{{{SOAP}}}Body/{{{NAMESPACE}}}service/xml")
    except ET.ParseError:
        text = None
    if text is None:
        return soap(FAULT % ("Client", "Unexpected wrapper element"), 500)
    return soap(RESPONSE % escape(document(*judge(centre, text))))


def judge(centre: Centre, text: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return head and body of the answer to a document."""
    try:
        # Its String.getBytes("GBK"): what GBK lacks is a question mark from here on.
        kept = text.encode(CHARSET, "replace").decode(CHARSET)
        asked = read(ET.fromstring(kept))  # noqa: S314 - a simulator, on loopback only
    except ET.ParseError:
        asked = {}
    asked = asked if isinstance(asked, dict) else {}
    parts = (asked.get("head"), asked.get("body"))
    head, body = (part if isinstance(part, dict) else {} for part in parts)
    method, serial = (str(head.get(name) or "") for name in ("method", "serial"))
    echo = {"method": method, "serial": serial}
    try:
        let_in(head)
        return {**echo, "resultCode": "0000", "resultMsg": "成功"}, centre.answer(method, serial, body)
    except Declined as decline:
        return {**echo, "resultCode": decline.code, "resultMsg": str(decline)}, {}
    except (ValueError, TypeError, AttributeError):
        return {**echo, "resultCode": "2000", "resultMsg": "报文格式错误"}, {}


def read(element: ET.Element) -> dict[str, Any] | str:
    """Return an element as text, or as what is in it."""
    return {child.tag: read(child) for child in element} if len(element) else element.text or ""


def document(head: dict[str, str], body: dict[str, Any]) -> str:
    """Return an answer as a document."""
    return f'<?xml version="1.0" encoding="GBK"?><response>{tags({"head": head, "body": body})}</response>'


def tags(content: dict[str, Any]) -> str:
    """Return content as elements, one for each of a list."""
    lists = ((name, value if isinstance(value, list) else [value]) for name, value in content.items())
    found = (
        (name, tags(each) if isinstance(each, dict) else escape(each)) for name, values in lists for each in values
    )
    return "".join(f"<{name}>{inside}</{name}>" for name, inside in found)


def soap(content: str, status: int = 200) -> Response:
    """Return an envelope, as this stack writes it."""
    return Response(ENVELOPE % content, status, media_type="text/xml; charset=UTF-8")


async def wsdl(_: Request) -> Response:
    """GET: the description of the service, for people."""
    return Response(WSDL, media_type="text/xml; charset=UTF-8")


async def page(request: Request) -> Response:
    """GET /: what was received, for people."""
    events = request.app.state.centre.received()
    return HTMLResponse(PAGE.format(rows="".join(listed(dict(event)) for event in events), count=len(events)))


def listed(event: dict[str, Any]) -> str:
    """Return a line of the page."""
    body = json.loads(event["body"])
    cells = (event["number"], event["status"], *(body.get(name, "") for name in SHOWN), event["serials"])
    return f"<tr>{''.join(f'<td>{html.escape(str(cell))}' for cell in cells)}</tr>"


def build(centre: Centre) -> Starlette:
    """Return the application: the service, its description, and the page."""
    routes = [Route("/", page), Route(PATH, service, methods=["POST"]), Route(PATH, wsdl, methods=["GET"])]
    app = Starlette(routes=routes)
    app.state.centre = centre
    return app


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description="模拟系统 网格事件")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=Path)
    asked = parser.parse_args()
    centre = Centre(asked.data, json.loads(asked.seed.read_text("utf-8")) if asked.seed else {}, beijing_now)
    with closing(centre.books), socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", asked.port))
        listening.listen()
        sys.stdout.write(f"ready http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        config = uvicorn.Config(build(centre), log_level="warning", timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
