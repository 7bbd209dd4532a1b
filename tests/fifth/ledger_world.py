"""A county of three ledgers for crash and speed runs: the Systems as one server, the wiring, the hub as a process."""

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from tests.fifth.whereabouts import TELL_WHEN_ASKED, stop

ROOT = Path(__file__).resolve().parents[2]
LEDGERS = ("ledger-one", "ledger-two", "ledger-three")


@dataclass
class Ledgers:
    """Three Systems on one loopback port; each keeps how often it saw a key and what came with it."""

    seen: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in LEDGERS})
    bodies: dict[str, set[bytes]] = field(default_factory=dict)
    open: bool = True
    port: int = 0
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lines = head.split("\r\n")
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                name = lines[0].split("/")[1].split(" ")[0]
                await self._think(reader)
                writer.write(self._answer(name, headers.get("idempotency-key", ""), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _think(self, reader: asyncio.StreamReader) -> None:
        """Take no time; another kind of ledger may."""

    def _answer(self, name: str, key: str, body: bytes) -> bytes:
        if not self.open:
            return b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n"
        self.seen[name][key] += 1
        self.bodies.setdefault(key, set()).add(body)
        number = f"{name}-{len(self.seen[name])}".encode()
        return b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n%s" % (len(number), number)


def wiring(port: int, *, in_flight: int = 8, per_second: int = 1000) -> dict[str, Any]:
    """connectors.yaml of the three ledgers: every finding goes to each."""
    return {
        "county": {"division": "330783000000", "title": {"zh": "东阳市", "en": "Dongyang"}},
        "systems": {
            name: {
                "title": {"zh": name, "en": name},
                "owner": "test-office",
                "connector": "ledger",
                "simulated": True,
                "reaches": [f"127.0.0.1:{port}"],
                "settings": {"base_url": f"http://127.0.0.1:{port}/{name}"},
                "limits": {"in_flight": in_flight, "per_second": per_second, "answer_within": "10s"},
                "send": [
                    {
                        "record": "finding/v1",
                        "fields": FIELDS,
                        "amend": {"never": {"zh": "台账不接受更正", "en": "a ledger takes no corrections"}},
                    }
                ],
            }
            for name in LEDGERS
        },
    }


FIELDS: dict[str, Any] = {
    "key": {"from": "key"},
    "title": {"from": "report.title", "optional": True},
    "category": {"from": "finding.category"},
    "severity": {"from": "finding.severity"},
    "description": {"from": "finding.description"},
    "reporter": {"from": "by.name"},
    "staffNumber": {"from": "by.staff_number"},
    "division": {"from": "by.division"},
    "happenedAt": {"from": "occurred_at", "as": "local_time"},
    "place": {"from": "finding.location", "as": "lonlat", "crs": "gcj02", "optional": True},
}

ACCOUNTS = {
    "accounts": [
        {"login": "ada", "password": "crash-test-dummy", "name": "试", "role": "staff", "division": "330783005004",
         "staff_number": "T1", "phone": "19900000999"},
        {"login": "opal", "password": "crash-test-dummy", "name": "运", "role": "operator", "division": "330783000000",
         "staff_number": "T2", "phone": "19900000998"},
    ]
}  # fmt: skip


def submission(number: int, client_id: str) -> bytes:
    """A general report: 1 KB with its envelope, twelve values, no Place."""
    answers = {
        "report.title": f"第{number}号路灯不亮",
        "finding.category": "hazard",
        "finding.severity": "ordinary",
        "report.detail": "村口的路灯三天没亮，晚上看不清台阶，老人出门不便，请尽快安排检修。" * 6,
        "finding.location": {"lon": 120.2391, "lat": 29.2877, "crs": "wgs84", "accuracy_m": 20},
    }
    body = {
        "id": client_id, "form": "report", "version": 1, "place": None, "answers": answers, "seen": {},
        "occurred_at": "2026-11-22T09:30:00+08:00", "reported_at": "2026-11-22T09:31:00+08:00",
        "location": {"missing": "not_asked"},
    }  # fmt: skip
    return json.dumps(body, ensure_ascii=False).encode()


@dataclass
class HubProcess:
    """The real `hub serve` as a process of its own, to be killed."""

    home: Path
    port: int
    ledgers_port: int
    database_url: str = ""
    process: subprocess.Popen[bytes] | None = None
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def write_files(self, **limits: int) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "connectors.yaml").write_text(json.dumps(wiring(self.ledgers_port, **limits)))
        (self.home / "accounts.yaml").write_text(json.dumps(ACCOUNTS))

    def start(self) -> None:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HUB_")},
            "HUB_PROFILE": "test",
            "HUB_HOME": str(ROOT),
            "HUB_DATA_DIR": str(self.home),
            "HUB_DATABASE_URL": self.database_url,
            "HUB_PORT": str(self.port),
            "HUB_CONNECTORS_FILE": str(self.home / "connectors.yaml"),
            "HUB_CONNECTOR_PACKAGES": '["tests.fifth"]',
            "HUB_SEED_ACCOUNTS": str(self.home / "accounts.yaml"),
            "HUB_LOG_LEVEL": "warning",
            "PYTHONPATH": str(ROOT),
            "PYTHONFAULTHANDLER": "1",
            **self.extra,
        }
        log = (self.home / "hub.log").open("ab")
        command = [sys.executable, "-c", f"{TELL_WHEN_ASKED}; from hub.cli import main; main()", "serve"]
        self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=ROOT)
        log.close()

    async def ready(self, client: httpx.AsyncClient) -> None:
        for _ in range(600):
            assert self.process is not None
            assert self.process.poll() is None, (self.home / "hub.log").read_text()[-2000:]
            try:
                if (await client.get(f"{self.url}/readyz")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
        raise AssertionError("the hub did not get ready")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        return stop(self.process, self.home / "hub.log")


async def sign_in(client: httpx.AsyncClient, url: str, login: str = "ada") -> None:
    """Sign in; the cookie stays with the client."""
    answer = await client.post(
        f"{url}/api/v1/sessions",
        json={"login": login, "password": "crash-test-dummy"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.is_success, answer.text
