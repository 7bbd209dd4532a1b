"""What Systems answer, well and badly, and the real connectors and the real outbox put in front of the sink."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from hub.clock import Clock, SystemClock
from hub.outbox.capacity import Line
from hub.sdk import Connector
from hub.sdk.doors import open_doors
from hub.sdk.egress import Egress
from tests.builders import World
from tests.connectors.sink import Sink, Step, answer, answer_json
from tests.connectors.system import part

SUCCESS: Final[dict[str, dict[str, Any]]] = {
    "garbage_scoring": {"code": "200", "msg": "成功", "data": {"number": "S-1", "score": 90}},
    "household_visit": {"code": 0, "msg": "成功", "data": {"number": "S-1"}},
    "river_patrol": {"result": "OK", "message": "成功", "data": {"id": "S-1"}},
}
"""The declared success of each kind that speaks HTTP."""
TOKENS: Final[dict[str, tuple[bytes, dict[str, Any]]]] = {
    "household_visit": (b"POST /api/token", {"code": 0, "data": {"accessToken": "t", "expiresIn": 3600}}),
    "river_patrol": (b"POST /token", {"result": "OK", "data": {"access_token": "t", "expires_in": 3600}}),
}
KINDS: Final = tuple(SUCCESS)


def success(kind: str) -> bytes:
    """Write the declared success as JSON."""
    return json.dumps(SUCCESS[kind], ensure_ascii=False).encode()


@asynccontextmanager
async def facing(sink: Sink, kind: str, clock: Clock | None = None, **changed: object) -> AsyncIterator[Connector]:
    """A real connector with real doors in front of a sink, which hands out tokens and knows nothing when probed."""
    if kind in TOKENS:
        mark, token = TOKENS[kind]
        sink.on(mark, answer_json(token))
    sink.on(b"GET /score?", answer_json({"code": "200", "data": None}))
    doors = open_doors(Egress.parse(sink.reaches, allow_loopback=True), clock or SystemClock())
    settings = {**part(kind, "simulator").settings_for(sink.port, Path()), **changed}
    try:
        yield part(kind, "connector").Connector(part(kind, "settings").Settings.model_validate(settings), doors)
    finally:
        await doors.aclose()


@asynccontextmanager
async def owing(world: World, kind: str, *steps: Step, answer_s: float = 5, in_flight: int = 1) -> AsyncIterator[Sink]:
    """The outbox in front of a sink, through a real connector; `steps` are its first answer to a push."""
    async with Sink() as sink, facing(sink, kind, world.clock) as connector:
        world.lines["north"] = Line(connector, in_flight, 1_000, timedelta(seconds=answer_s))
        if steps:
            sink.say(*steps)
        yield sink


LOGIN_PAGE = "<!DOCTYPE html><html><head><title>统一身份认证</title></head><body><form>请登录</form></body></html>"
SOAP_11 = """<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">
<soap:Body><soap:Fault><faultcode>soap:Server</faultcode><faultstring>服务器内部错误</faultstring></soap:Fault></soap:Body>
</soap:Envelope>"""
SOAP_12 = """<?xml version="1.0"?><env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Body><env:Fault>
<env:Code><env:Value>env:Receiver</env:Value></env:Code><env:Reason><env:Text xml:lang="zh">超时</env:Text></env:Reason>
</env:Fault></env:Body></env:Envelope>"""
PHP = "<br />\n<b>Warning</b>: mysql_connect(): Too many connections in <b>/www/api.php</b> on line 12<br />\n"

NOT_SUCCESS: Final[dict[str, tuple[str, bytes]]] = {
    "a code that says no": ("application/json", b'{"code":500}'),
    "a code that says no, as text": ("application/json", '{"code":"500","result":"500","msg":"系统异常"}'.encode()),
    "another word for yes": ("application/json", b'{"code":"SUCCESS","result":"SUCCESS","success":true}'),
    "a nested code": ("application/json", b'{"head":{"code":"200","result":"OK"},"code":-1,"result":-1}'),
    "a yes without a number": ("application/json", b'{"code":"200","result":"OK"}'),
    "a yes with an empty number": ("application/json", b'{"code":0,"result":"OK","data":{"number":"","id":""}}'),
    "a yes with nothing": ("application/json", b'{"code":0,"result":"OK","data":null}'),
    "an empty object": ("application/json", b"{}"),
    "an empty list": ("application/json", b"[]"),
    "null": ("application/json", b"null"),
    "true": ("application/json", b"true"),
    "only a word": ("application/json", b'"OK"'),
    "only a number": ("application/json", b"200"),
    "nothing at all": ("application/json", b""),
    "blanks": ("application/json", b" \r\n\t "),
    "plain text": ("text/plain", b"OK"),
    "a SOAP 1.1 fault": ("text/xml; charset=utf-8", SOAP_11.encode()),
    "a SOAP 1.2 fault": ("application/soap+xml", SOAP_12.encode()),
    "XML that says yes": ("text/xml", b"<result><code>200</code><data><number>S-1</number></data></result>"),
    "a login page": ("text/html", LOGIN_PAGE.encode()),
    "a login page in GBK": ("text/html; charset=gbk", LOGIN_PAGE.encode("gb18030")),
    "a block page": ("text/html", b"<html><script>location='/waf/block?id=1'</script></html>"),
}
"""Bodies under HTTP 200 that say no, or nothing, whatever the connector."""


def spoilt(good: bytes) -> dict[str, bytes]:
    """The declared success, spoilt so that it is no JSON object any more."""
    return {
        "cut in half": good[: len(good) // 2],
        "its last byte missing": good[:-1],
        "twice": good + good,
        "with words before it": PHP.encode() + good,
        "with words after it": good + PHP.encode(),
        "as a call": b"callback(" + good + b")",
        "inside a text": json.dumps(good.decode()).encode(),
        "inside a list": b"[" + good + b"]",
        "in UTF-16": good.decode().encode("utf-16"),
        "with a NUL": good[:1] + b"\0" + good[1:],
        "with NaN": good[:-1] + b',"n":NaN}',
        "too deep": good[:-1] + b',"n":' + b"[" * 100_000 + b"}",
    }


def page(kind: str, body: bytes) -> bytes:
    """Write an answer of some content type."""
    return answer(200, body, f"Content-Type: {kind}\r\n")
