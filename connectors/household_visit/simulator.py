"""走村入户（模拟系统）: what the organisation department's visit system stores, refuses and gets wrong.

    python -m connectors.household_visit.simulator --port 9101 --data DIR [--seed FILE.json] [--token-seconds 7200]

Prints `ready http://127.0.0.1:PORT` once it listens and keeps everything in DIR/household_visit.db. A seed is
{"households": [{householdCode, headName, phone, address, memberCount, divisionCode, legacyCodes: [{issuer, payload}],
updatedAt: "yyyy-MM-dd HH:mm:ss" Beijing time}], "officers": [{staffNumber, name, divisionCode}]}; rows already there
are replaced. Without officers any staff number may report.
"""

import argparse
import html
import json
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from connectors.household_visit.simulated import APP_KEY, APP_SECRET, REQUIRED, Fault, Register
from connectors.household_visit.simulated_source import Households

PAGE = (
    "<!doctype html><html lang=zh><meta charset=utf-8><title>走村入户（模拟系统）</title>"
    "<style>body{{font:16px sans-serif;margin:2em}}td,th{{border:1px solid #ccc;padding:.3em .6em;text-align:left}}"
    "table{{border-collapse:collapse}}</style><h1>走村入户（模拟系统）</h1>"
    "<p>这是用于演示的模拟系统，人员均为虚构。已收到的走访记录：</p><table><tr>{heads}</tr>{rows}</table></html>"
)
Act = Callable[[Register, Request], Awaitable[Any]]


async def issue_token(register: Register, request: Request) -> dict[str, Any]:
    """POST /api/token."""
    return register.issue_token(await request.json())


async def create(register: Register, request: Request) -> dict[str, Any]:
    """POST /api/visits."""
    return register.keep(await request.json())


async def amend(register: Register, request: Request) -> dict[str, Any]:
    """PUT /api/visits/{number}."""
    return register.amend(request.path_params["number"], await request.json())


async def find(register: Register, request: Request) -> dict[str, Any]:
    """GET /api/visits/by-client/{clientId}."""
    found = register.find(request.path_params["client_id"])
    if not found:
        raise Fault(40401, "clientId 不存在")
    return {"number": found["number"], "repeated": True}


async def list_households(register: Register, request: Request) -> dict[str, Any]:
    """GET /api/households."""
    return register.list_households(request.query_params.get("since", ""), int(request.query_params["page"]))


def answering(register: Register, act: Act) -> Callable[[Request], Awaitable[Response]]:
    """Put an act behind the token check and into their envelope: always HTTP 200."""

    async def endpoint(request: Request) -> Response:
        content: dict[str, Any]
        try:
            if act is not issue_token:
                register.check_token(request.headers.get("authorization", ""))
            content = {"code": 0, "msg": "成功", "data": await act(register, request)}
        except Fault as fault:
            content = {"code": fault.code, "msg": str(fault), "data": None}
        except (ValueError, KeyError, TypeError, AttributeError):
            content = {"code": 42200, "msg": "请求格式错误", "data": None}
        return JSONResponse({**content, "simulated": True})

    return endpoint


def make_app(register: Register) -> Starlette:
    """Put the register behind its REST interface and a page to look at."""

    async def page(_: Request) -> Response:
        return HTMLResponse(show(register))

    return Starlette(
        routes=[
            Route("/", page),
            Route("/api/token", answering(register, issue_token), methods=["POST"]),
            Route("/api/visits", answering(register, create), methods=["POST"]),
            Route("/api/visits/by-client/{client_id:path}", answering(register, find)),
            Route("/api/visits/{number}", answering(register, amend), methods=["PUT"]),
            Route("/api/households", answering(register, list_households)),
        ]
    )


def settings_for(port: int, directory: Path) -> dict[str, Any]:  # noqa: ARG001 - one shape for all simulators
    """Return connector settings for a simulator on this port."""
    return {"base_url": f"http://127.0.0.1:{port}", "app_key": APP_KEY, "app_secret": APP_SECRET}


def reaches(port: int) -> list[str]:
    """Return the grant that covers it."""
    return [f"127.0.0.1:{port}"]


def sample_seed() -> dict[str, Any]:
    """Return a small seed with invented people."""
    return {
        "households": [
            {
                "householdCode": f"ZC3307831000010{n}",
                "headName": name,
                "phone": f"1990000000{n}",
                "address": f"甘井村{n}号",
                "memberCount": n + 1,
                "divisionCode": "330783100001",
                "legacyCodes": [{"issuer": "public-safety", "payload": f"GA|330783|{n:04d}"}],
                "updatedAt": f"2026-03-0{n} 08:00:00",
            }
            for n, name in enumerate(("张三", "李四", "王五"), 1)
        ],
        "officers": [{"staffNumber": "DY0001", "name": "陈一", "divisionCode": "330783100001"}],
    }


def sample_payloads() -> dict[str, dict[str, Any]]:
    """Return a payload per flow that a simulator with the sample seed accepts."""
    visit = {
        "householdCode": "ZC33078310000101",
        "divisionCode": "330783100001",
        "officer": "陈一",
        "staffNumber": "DY0001",
        "visitTime": "2026-03-10 09:30:00",
        "purpose": "政策宣传",
        "summary": "已说明新政策",
        "nextVisit": "2026-04-10",
    }
    return {"visit": visit}


def sources(directory: Path) -> dict[str, Households]:
    """Return what can be pulled, to be changed from outside while the simulator runs."""
    return {"households": Households(directory, utc_now)}


def utc_now() -> datetime:
    """Return the machine's time."""
    return datetime.now(UTC)


def show(register: Register) -> str:
    """Write the page on which a person sees what has arrived."""
    rows = []
    for number, amends, body, received_at in register.list_entries():
        visit = json.loads(body)
        told = [visit.get(name) for name in (*REQUIRED, "summary", "nextVisit")]
        cells = [number, "修改" if amends else "新增", *told, received_at]
        rows.append("".join(f"<td>{html.escape(str(cell or ''))}</td>" for cell in cells))
    heads = ("编号", "类型", *REQUIRED.values(), "走访情况", "下次走访", "收到时间")
    return PAGE.format(
        heads="".join(f"<th>{head}</th>" for head in heads), rows="".join(f"<tr>{row}</tr>" for row in rows)
    )


def main() -> None:
    """Run the simulator until it is stopped."""
    parser = argparse.ArgumentParser(description="走村入户（模拟系统）")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=Path)
    parser.add_argument("--token-seconds", type=float, default=7200)
    options = parser.parse_args()
    register = Register(options.data, options.token_seconds, utc_now)
    if options.seed:
        register.seed(json.loads(options.seed.read_text("utf-8")))
    listening = socket.create_server(("127.0.0.1", options.port), backlog=256)
    print(f"ready http://127.0.0.1:{listening.getsockname()[1]}", flush=True)  # noqa: T201 - the starter waits for it
    uvicorn.Server(uvicorn.Config(make_app(register), log_level="warning")).run(sockets=[listening])


if __name__ == "__main__":
    main()
