"""河长制巡河（模拟系统）: what the water bureau's patrol system stores, refuses and gets wrong.

    python -m connectors.river_patrol.simulator --port 9103 --data DIR [--seed FILE.json] [--token-seconds 7200]

Prints `ready http://127.0.0.1:PORT` once it listens and keeps everything in DIR/river_patrol.db. A seed is
{"segments": [{segmentId, name, chief, minMinutes, minLengthM, divisionCode, path: [[lon, lat], …] in GCJ-02,
wardens: [staffNumber, …], granted: false where the hub's application may not report (default true)}]}; rows already
there are replaced.
"""

import argparse
import html
import json
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from connectors.river_patrol.simulated import APP_ID, BEIJING, SECRET, Fault, Register
from connectors.river_patrol.simulated_source import Segments

KINDS = {"cruise": "巡河", "matter": "问题", "update": "问题修改"}
SHOWN = (
    "segmentId",
    "staffNumber",
    "beginTime",
    "endTime",
    "duration",
    "length",
    "type",
    "description",
    "address",
    "urgency",
)
PAGE = (
    "<!doctype html><html lang=zh><meta charset=utf-8><title>河长制巡河（模拟系统）</title>"
    "<style>body{{font:16px sans-serif;margin:2em}}td,th{{border:1px solid #ccc;padding:.3em .6em;text-align:left}}"
    "table{{border-collapse:collapse}}</style><h1>河长制巡河（模拟系统）</h1>"
    "<p>这是用于演示的模拟系统，人员均为虚构。已收到的巡河与问题：</p><table><tr>{heads}</tr>{rows}</table></html>"
)
Act = Callable[[Register, Request], Awaitable[Any]]


async def issue_token(register: Register, request: Request) -> dict[str, Any]:
    """POST /token."""
    return register.issue_token(await request.json())


async def report_patrol(register: Register, request: Request) -> dict[str, Any]:
    """POST /cruise."""
    return register.keep_patrol(await request.json())


async def report_matter(register: Register, request: Request) -> dict[str, Any]:
    """POST /matter."""
    return register.keep_matter(await request.json())


async def amend_matter(register: Register, request: Request) -> dict[str, Any]:
    """POST /matter/{id}/update."""
    return register.amend_matter(request.path_params["matter_id"], await request.json())


async def find(register: Register, request: Request) -> dict[str, Any]:
    """GET /instance/{instanceId}."""
    return register.find(request.path_params["instance_id"])


async def list_segments(register: Register, request: Request) -> dict[str, Any]:
    """GET /segments."""
    return register.list_segments(request.query_params.get("after", ""), int(request.query_params["size"]))


def answering(register: Register, act: Act) -> Callable[[Request], Awaitable[Response]]:
    """Put an act behind the token check and into their envelope: always HTTP 200."""

    async def endpoint(request: Request) -> Response:
        content: dict[str, Any]
        try:
            if act is not issue_token:
                register.check_token(request.query_params.get("access_token", ""))
            content = {"result": "OK", "message": "成功", "data": await act(register, request)}
        except Fault as fault:
            content = {"result": fault.result, "message": str(fault), "data": None}
        except (ValueError, KeyError, TypeError, AttributeError):
            content = {"result": "FAIL", "message": "请求格式错误", "data": None}
        return JSONResponse({**content, "simulated": True})

    return endpoint


def make_app(register: Register) -> Starlette:
    """Put the register behind its interface and a page to look at."""

    async def page(_: Request) -> Response:
        return HTMLResponse(show(register))

    return Starlette(
        routes=[
            Route("/", page),
            Route("/token", answering(register, issue_token), methods=["POST"]),
            Route("/cruise", answering(register, report_patrol), methods=["POST"]),
            Route("/matter", answering(register, report_matter), methods=["POST"]),
            Route("/matter/{matter_id}/update", answering(register, amend_matter), methods=["POST"]),
            Route("/instance/{instance_id:path}", answering(register, find)),
            Route("/segments", answering(register, list_segments)),
        ]
    )


def settings_for(port: int, directory: Path) -> dict[str, Any]:  # noqa: ARG001 - one shape for all simulators
    """Return connector settings for a simulator on this port."""
    return {"base_url": f"http://127.0.0.1:{port}", "app_id": APP_ID, "secret": SECRET}


def reaches(port: int) -> list[str]:
    """Return the grant that covers it."""
    return [f"127.0.0.1:{port}"]


def sample_seed() -> dict[str, Any]:
    """Return a small seed: two segments to report on and one of another application's."""
    return {
        "segments": [
            {
                "segmentId": f"HD33078300{n}",
                "name": f"东阳江{n}段",
                "chief": "河长一",
                "minMinutes": 5,
                "minLengthM": 300,
                "divisionCode": "330783100001",
                "path": [[120.244, 29.287 + n / 100], [120.254, 29.287 + n / 100]],
                "wardens": ["DY0001"],
                "granted": granted,
            }
            for n, granted in ((1, True), (2, True), (3, False))
        ]
    }


def sample_payloads() -> dict[str, dict[str, Any]]:
    """Return a payload per flow that a simulator with the sample seed accepts."""
    # Yesterday at ten: recent enough to be taken, and the same bytes all day.
    ended_at = (datetime.now(BEIJING) - timedelta(days=1)).replace(hour=10, minute=0, second=0)
    patrol = {
        "segmentId": "HD330783001",
        "staffNumber": "DY0001",
        "beginTime": f"{ended_at - timedelta(minutes=20):%Y-%m-%d %H:%M:%S}",
        "endTime": f"{ended_at:%Y-%m-%d %H:%M:%S}",
        "path": [[120.2445, 29.297], [120.2475, 29.2971], [120.2505, 29.297]],
        "content": "水面清洁",
    }
    matter = {
        "segmentId": "HD330783001",
        "staffNumber": "DY0001",
        "type": "排污口",
        "description": "管口有污水流入河中",
        "coor": [120.2475, 29.2971],
        "address": "东阳江1段桥下",
        "urgency": 1,
        "source": 4,
    }
    return {"patrol": patrol, "finding": matter}


def sources(directory: Path) -> dict[str, Segments]:
    """Return what can be pulled, to be changed from outside while the simulator runs."""
    return {"segments": Segments(directory, utc_now)}


def utc_now() -> datetime:
    """Return the machine's time."""
    return datetime.now(UTC)


def show(register: Register) -> str:
    """Write the page on which a person sees what has arrived."""
    rows = []
    for number, kind, body, received_at in register.list_instances():
        content = json.loads(body)
        cells = [number, KINDS[kind], *(content.get(name, "") for name in SHOWN), received_at]
        rows.append("".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells))
    heads = (
        "编号",
        "类型",
        "河段",
        "工号",
        "开始",
        "结束",
        "时长（分钟）",
        "里程（米）",
        "问题类型",
        "描述",
        "地址",
        "紧急程度",
        "收到时间",
    )
    return PAGE.format(
        heads="".join(f"<th>{head}</th>" for head in heads), rows="".join(f"<tr>{row}</tr>" for row in rows)
    )


def main() -> None:
    """Run the simulator until it is stopped."""
    parser = argparse.ArgumentParser(description="河长制巡河（模拟系统）")
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
