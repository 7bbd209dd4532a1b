"""Simulated 东阳考垃: a small server of its own with the gateway, the rules and the quirks of the real kind.

Run: python -m connectors.garbage_scoring.simulator --port N --data DIR [--seed FILE.json]
"""

import argparse
import base64
import hashlib
import hmac
import html
import json
import socket
import sqlite3
import sys
from contextlib import closing
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.garbage_scoring.simulated import ITEMS, TIME, Declined, Office
from connectors.garbage_scoring.simulated_source import Bins

BEIJING = timezone(timedelta(hours=8))
SKEW_S = 90
KEYS = {"fillonce-demo": "simulated-gateway-only"}
PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>模拟系统 · 东阳考垃</title>
<style>body{{font:16px sans-serif;margin:2em}}td,th{{padding:.3em 1em;text-align:left}}</style>
<h1>模拟系统 · 东阳考垃</h1><p>这是一套模拟系统，数据均为虚构。已收到评分 {count} 条：</p><table>
<tr><th>评分单号<th>桶编码<th>检查人<th>检查时间<th>等级<th>得分<th>请求号</tr>{rows}</table></html>"""


def settings_for(port: int, directory: Path) -> dict[str, Any]:  # noqa: ARG001 - the signature all simulators share
    """Return connector settings for this simulator, small pages so that a pull needs several."""
    access_key, secret_key = next(iter(KEYS.items()))
    url = f"http://127.0.0.1:{port}"
    return {"base_url": url, "access_key": access_key, "secret_key": secret_key, "page_size": 2}


def reaches(port: int) -> list[str]:
    """Return what a System's `reaches` must say for this simulator."""
    return [f"127.0.0.1:{port}"]


def sample_seed() -> dict[str, Any]:
    """Return invented bins, more than one page of them."""
    bins = [
        {
            "binCode": f"LJ33078300{n}",
            "houseCode": f"H33078300{n}",
            "lastLevel": n % 3 + 1,
            "checkedThisMonth": n,
            "updatedAt": f"2026-03-0{n} 09:00:00",
        }
        for n in range(1, 6)
    ]
    return {"bins": bins}


def sample_payloads() -> dict[str, dict[str, Any]]:
    """Return, for each flow, a payload the simulator with the sample seed accepts."""
    items = [{"code": code, "level": 1} for code in ITEMS]
    score = {"binCode": "LJ330783001", "checker": "王小明", "checkTime": beijing_now(), "items": items, "photos": []}
    return {"bin_score": score}


def sources(directory: Path) -> dict[str, Bins]:
    """Return what can be pulled, to be changed from outside while the simulator runs."""
    page_rows: int = settings_for(0, directory)["page_size"]
    return {"bins": Bins(directory, page_rows, beijing_now)}


def beijing_now() -> str:
    """Return wall-clock time the way this System writes it."""
    return datetime.now(BEIJING).strftime(TIME)


class Gateway:
    """Lets through what is signed by a known key within 90 s; its own refusals are HTTP 401, never wrapped."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge one request; the page at `/` is open."""
        fault = judge(Request(scope)) if scope["type"] == "http" and scope["path"] != "/" else ""
        app = JSONResponse({"message": fault, "simulated": True}, 401) if fault else self.app
        await app(scope, receive, send)


def judge(request: Request) -> str:
    """Return why the gateway turns a request away, or nothing."""
    access_key, date = request.headers.get("X-BG-HMAC-ACCESS-KEY", ""), request.headers.get("X-BG-DATE-TIME", "")
    if access_key not in KEYS:
        return "accessKey 不存在"
    try:
        skew_s = abs((parsedate_to_datetime(date) - datetime.now(BEIJING)).total_seconds())
    except (ValueError, TypeError):
        return "X-BG-DATE-TIME 不是 RFC 1123 时间"
    if skew_s > SKEW_S:
        return f"时间偏差超过 {SKEW_S} 秒"
    pairs = parse_qsl(request.scope["query_string"].decode(), keep_blank_values=True)
    query = "&".join(sorted(urlencode([pair], quote_via=quote, safe="") for pair in pairs))
    text = f"{request.method}\n{quote(request.scope['path'])}\n{query}\n{access_key}\n{date}\n"
    wanted = base64.b64encode(hmac.digest(KEYS[access_key].encode(), text.encode(), hashlib.sha256)).decode()
    return "" if hmac.compare_digest(wanted, request.headers.get("X-BG-HMAC-SIGNATURE", "")) else "签名不匹配"


async def store(request: Request) -> Response:
    """POST /score."""
    return answered("200", office_of(request).store(await read_body(request)))


async def change(request: Request) -> Response:
    """PUT /score/{number}."""
    return answered(200, office_of(request).change(request.path_params["number"], await read_body(request)))


async def find(request: Request) -> Response:
    """GET /score?requestId=: the score a request made or changed, or null."""
    return answered("OK", office_of(request).find(request.query_params.get("requestId", "")))


async def bins(request: Request) -> Response:
    """GET /bins?cursor=&size=."""
    try:
        after, size = int(request.query_params.get("cursor") or 0), int(request.query_params.get("size") or 100)
    except ValueError:
        raise Declined("PARAM", "cursor、size 须为数字") from None
    return answered("OK", office_of(request).bins(after, size))


async def page(request: Request) -> Response:
    """GET /: what was received, for people."""
    scores = office_of(request).scores()
    return HTMLResponse(PAGE.format(rows="".join(listed_score(score) for score in scores), count=len(scores)))


def office_of(request: Request) -> Office:
    """Return the office this server works for."""
    office: Office = request.app.state.office
    return office


async def read_body(request: Request) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Declined("PARAM", "请求体不是 JSON 对象")
    return body


def answered(code: object, data: object) -> Response:
    """Return a yes; real installations spell its code in three ways, so this one does too."""
    return JSONResponse({"code": code, "msg": "ok", "data": data, "serverTime": beijing_now(), "simulated": True})


async def declined(_request: Request, decline: Exception) -> Response:
    """Return a no inside HTTP 200."""
    body = decline.body if isinstance(decline, Declined) else {}
    return JSONResponse({**body, "serverTime": beijing_now(), "simulated": True})


def listed_score(score: sqlite3.Row) -> str:
    """Return a line of the page."""
    body = json.loads(score["body"])
    levels = " ".join(f"{ITEMS[item['code']]}{item['level']}" for item in body["items"])
    cells = (score["number"], body["binCode"], body["checker"], body["checkTime"], levels, score["points"])
    return f"<tr>{''.join(f'<td>{html.escape(str(cell))}' for cell in (*cells, score['request_id']))}</tr>"


def build(office: Office) -> Starlette:
    """Return the application: the gateway in front of the office."""
    routes = [
        Route("/", page),
        Route("/score", store, methods=["POST"]),
        Route("/score", find, methods=["GET"]),
        Route("/score/{number}", change, methods=["PUT"]),
        Route("/bins", bins),
    ]
    app = Starlette(routes=routes, exception_handlers={Declined: declined})
    app.state.office = office
    app.add_middleware(Gateway)
    return app


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description="模拟系统 东阳考垃")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=Path)
    asked = parser.parse_args()
    office = Office(asked.data, json.loads(asked.seed.read_text("utf-8")) if asked.seed else {}, beijing_now)
    with closing(office.books), socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", asked.port))
        listening.listen()
        sys.stdout.write(f"ready http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        config = uvicorn.Config(build(office), log_level="warning", timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
