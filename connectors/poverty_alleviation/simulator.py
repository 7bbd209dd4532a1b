"""Simulated 防返贫 monitoring system: an SFTP server of its own, and an office that reads its folders in its own time.

Run: python -m connectors.poverty_alleviation.simulator --port N --data DIR [--seed FILE.json] [--every SECONDS]
     [--page-port N]
"""

import argparse
import asyncio
import functools
import hmac
import html
import json
import socket
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import asyncssh
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from connectors.poverty_alleviation.simulated import Office
from connectors.poverty_alleviation.simulated_source import Households

BEIJING = timezone(timedelta(hours=8))
ACCOUNTS = {"fillonce": "simulated-account-only"}
PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>模拟系统 · 防返贫监测</title>
<style>body{{font:16px sans-serif;margin:2em}}td,th{{padding:.3em 1em;text-align:left}}</style>
<h1>模拟系统 · 防返贫监测</h1><p>这是一套模拟系统，数据均为虚构。已处理 {count} 条：</p><table>
<tr><th>受理编号<th>结果<th>原因<th>户编号<th>操作<th>内容<th>状态<th>流水号</tr>{rows}</table></html>"""


def settings_for(port: int, directory: Path) -> dict[str, Any]:
    """Return connector settings for a simulator that is running, small pages so that a pull needs several."""
    user, password = next(iter(ACCOUNTS.items()))
    host_key = (directory / "host_key.pub").read_text("ascii").strip()
    return {
        "host": "127.0.0.1",
        "port": port,
        "user": user,
        "password": password,
        "host_key": host_key,
        "page_rows": 2,
    }


def reaches(port: int) -> list[str]:
    """Return what a System's `reaches` must say for this simulator."""
    return [f"127.0.0.1:{port}"]


def sample_seed() -> dict[str, Any]:
    """Return invented households, more than one page of them."""
    member = {"name": "张三", "relation": "户主", "idNumber": "330799199001010014"}
    households = [
        {
            "fileNumber": f"FH33078300{n}",
            "householdCode": f"H33078300{n}",
            "monitoredType": str(n % 4),
            "incomeYuan": 9000 + n,
            "members": [member],
        }
        for n in range(1, 6)
    ]
    return {"households": households}


def sample_payloads() -> dict[str, dict[str, Any]]:
    """Return, for each flow, a payload the simulator with the sample seed accepts."""
    now = beijing_now().strftime("%Y-%m-%d %H:%M:%S")
    about = {"fileNumber": "FH330783001", "officer": "王小明"}
    return {
        "visit": {**about, "visitTime": now, "content": "入户走访，核对收入"},
        "finding": {**about, "foundTime": now, "riskType": "住房安全", "description": "屋顶漏雨"},
    }


def sources(directory: Path) -> dict[str, Households]:
    """Return what can be pulled, to be changed from outside while the simulator runs."""
    return {"households": Households(directory, beijing_now)}


def beijing_now() -> datetime:
    """Return wall-clock time where the office is."""
    return datetime.now(BEIJING)


class Door(asyncssh.SSHServer):
    """Lets in accounts it knows, by password."""

    def password_auth_supported(self) -> bool:
        """Passwords only, as the real one."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(ACCOUNTS.get(username, "").encode(), password.encode()) and username in ACCOUNTS


class Folder(asyncssh.SFTPServer):
    """Shows an account the exchange folders and nothing above them."""

    def __init__(self, root: Path, channel: "asyncssh.SSHServerChannel[bytes]") -> None:
        super().__init__(channel, chroot=str(root).encode())


def host_key(directory: Path) -> asyncssh.SSHKey:
    """Return the server's key, the same on every start; its public half lies beside it to be pinned."""
    path = directory / "host_key"
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        key = asyncssh.generate_private_key("ssh-ed25519", comment="simulated")
        key.write_public_key(directory / "host_key.pub")
        key.write_private_key(path)
    return asyncssh.read_private_key(path)


async def keep_office(office: Office, every_s: float) -> None:
    """Do the office's work: read uploads, and lay out an export each day."""
    while True:
        await asyncio.sleep(every_s)
        office.export()
        office.take_in()


def page_of(office: Office) -> Starlette:
    """Return the page for people."""

    async def page(request: Request) -> HTMLResponse:  # noqa: ARG001 - an endpoint
        found = office.received()
        return HTMLResponse(PAGE.format(rows="".join(listed(dict(row)) for row in found), count=len(found)))

    return Starlette(routes=[Route("/", page)])


def listed(row: dict[str, Any]) -> str:
    """Return a line of the page."""
    body = json.loads(row["body"] or "{}")
    text = body.get("内容") or body.get("说明")
    cells = (row["number"], row["result"], row["reason"], body.get("户编号"), body.get("操作"), text, row["state"])
    shown = (html.escape(str(cell or "")) for cell in (*cells, row["key"]))
    return f"<tr><td>{'<td>'.join(shown)}</tr>"


async def serve(asked: argparse.Namespace) -> None:
    """Serve until told to stop."""
    key = host_key(asked.data)
    office = Office(asked.data, json.loads(asked.seed.read_text("utf-8")) if asked.seed else {}, beijing_now)
    office.export()
    folder = functools.partial(Folder, office.root)
    acceptor = await asyncssh.listen(
        "127.0.0.1", asked.port, server_host_keys=[key], server_factory=Door, sftp_factory=folder, allow_scp=False
    )
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", asked.page_port))
        listening.listen()
        say(f"ready sftp://127.0.0.1:{acceptor.get_port()}")
        say(f"page http://127.0.0.1:{listening.getsockname()[1]}")
        config = uvicorn.Config(page_of(office), log_level="warning", timeout_graceful_shutdown=1)
        async with asyncio.TaskGroup() as group:  # an office that fails takes the whole process down, visibly
            work = group.create_task(keep_office(office, asked.every))
            await uvicorn.Server(config).serve(sockets=[listening])
            work.cancel()


def say(line: str) -> None:
    """Tell whoever started this process."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="模拟系统 防返贫监测")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=Path)
    parser.add_argument("--page-port", type=int, default=0)
    parser.add_argument("--every", type=float, default=0.5, help="seconds between two looks into the folders")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
