"""What the simulated 走村入户 stores and the rules it stores by; simulator.py puts it on the network."""

import hashlib
import json
import re
import secrets
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from math import ceil
from pathlib import Path
from typing import Any

# A simulator's, worth nothing.
APP_KEY, APP_SECRET = "fillonce", "demo-household-secret"
BEIJING = timezone(timedelta(hours=8))
PAGE_ROWS = 200
REQUIRED = {
    "householdCode": "户编码",
    "divisionCode": "行政区划代码",
    "officer": "走访干部",
    "staffNumber": "干部工号",
    "visitTime": "走访时间",
    "purpose": "走访目的",
}
TABLES = """
CREATE TABLE IF NOT EXISTS household (code TEXT PRIMARY KEY, updated_at TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS officer (staff_number TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, client_id TEXT UNIQUE NOT NULL, number TEXT NOT NULL,
    amends INTEGER NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL, received_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS token (token TEXT PRIMARY KEY, expires_at REAL NOT NULL);
"""


class Fault(Exception):
    """A refusal: their code and words."""

    def __init__(self, code: int, msg: str) -> None:
        super().__init__(msg)
        self.code = code


class Register:
    """The system's own storage and rules."""

    def __init__(self, data: Path, token_seconds: float, now: Callable[[], datetime]) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.token_seconds = token_seconds
        self.now = now
        self.db = sqlite3.connect(data / "household_visit.db", isolation_level=None, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.executescript(TABLES)

    def seed(self, seed: dict[str, Any]) -> None:
        """Take households and officers in."""
        rows = [(h["householdCode"], h["updatedAt"], json.dumps(h)) for h in seed["households"]]
        self.db.executemany("INSERT OR REPLACE INTO household VALUES (?, ?, ?)", rows)
        officers = [(o["staffNumber"], o["name"]) for o in seed["officers"]]
        self.db.executemany("INSERT OR REPLACE INTO officer VALUES (?, ?)", officers)

    def remove(self, code: str) -> None:
        """Strike a household off the list; nothing of it is told to anybody who reads."""
        self.db.execute("DELETE FROM household WHERE code = ?", (code,))

    def issue_token(self, credentials: dict[str, Any]) -> dict[str, Any]:
        """Give a token to the one application it knows."""
        if (credentials.get("appKey"), credentials.get("appSecret")) != (APP_KEY, APP_SECRET):
            raise Fault(40001, "appKey 或 appSecret 错误")
        token = secrets.token_hex(16)
        self.db.execute("INSERT INTO token VALUES (?, ?)", (token, self.now().timestamp() + self.token_seconds))
        return {"accessToken": token, "expiresIn": self.token_seconds}

    def check_token(self, header: str) -> None:
        """Refuse a token that is unknown or has expired."""
        row = self.db.execute("SELECT expires_at FROM token WHERE token = ?", (header.removeprefix("Bearer "),))
        found = row.fetchone()
        if not found or found[0] <= self.now().timestamp():
            raise Fault(40101, "accessToken 已失效")

    def keep(self, visit: dict[str, Any], number: str = "") -> dict[str, Any]:
        """Store a visit or an amendment once per clientId."""
        client_id = str(visit.get("clientId") or "")
        if not client_id:
            raise Fault(42200, "clientId 不能为空")
        content = json.dumps([number, {**visit, "clientId": ""}], sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()
        known = self.find(client_id)
        if known:
            if known["digest"] != digest:
                raise Fault(40901, "clientId 已使用，但内容不同")
            return {"number": known["number"], "repeated": True}
        self._check(visit)
        amends = int(bool(number))
        number = number or self._next_number()
        row = (client_id, number, amends, digest, json.dumps(visit, ensure_ascii=False), _text(self.now()))
        self.db.execute(
            "INSERT INTO entry (client_id, number, amends, digest, body, received_at) VALUES (?, ?, ?, ?, ?, ?)", row
        )
        return {"number": number, "repeated": False}

    def amend(self, number: str, visit: dict[str, Any]) -> dict[str, Any]:
        """Store a changed version of a visit it has."""
        if not self.db.execute("SELECT 1 FROM entry WHERE number = ?", (number,)).fetchone():
            raise Fault(40401, f"走访记录 {number} 不存在")
        return self.keep(visit, number)

    def find(self, client_id: str) -> dict[str, str] | None:
        """Return what a clientId became."""
        row = self.db.execute("SELECT number, digest FROM entry WHERE client_id = ?", (client_id,)).fetchone()
        return {"number": row[0], "digest": row[1]} if row else None

    def list_entries(self) -> list[tuple[str, int, str, str]]:
        """Return the latest 200 of what it keeps: number, whether it amends, content, when it came."""
        return self.db.execute(
            "SELECT number, amends, body, received_at FROM entry ORDER BY id DESC LIMIT 200"
        ).fetchall()

    def list_households(self, since: str, page: int) -> dict[str, Any]:
        """Return one page of what changed at or after `since`."""
        total = self.db.execute("SELECT count(*) FROM household WHERE updated_at >= ?", (since,)).fetchone()[0]
        rows = self.db.execute(
            "SELECT body FROM household WHERE updated_at >= ? ORDER BY updated_at, code LIMIT ? OFFSET ?",
            (since, PAGE_ROWS, (page - 1) * PAGE_ROWS),
        )
        pages = max(1, ceil(total / PAGE_ROWS))
        listed = [json.loads(body) for (body,) in rows]
        return {"rows": listed, "total": total, "page": page, "pages": pages, "serverTime": _text(self.now())}

    def _check(self, visit: dict[str, Any]) -> None:
        for name, title in REQUIRED.items():
            if not isinstance(visit.get(name), str) or not visit[name].strip():
                raise Fault(42200, f"{title} {name} 不能为空")
        if not re.fullmatch(r"[0-9]{12}", visit["divisionCode"]):
            raise Fault(42201, "行政区划代码须为12位数字")
        try:
            visited_at = datetime.strptime(visit["visitTime"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
        except ValueError:
            raise Fault(42200, "走访时间格式应为 yyyy-MM-dd HH:mm:ss") from None
        if visited_at > self.now() + timedelta(minutes=2):
            raise Fault(42202, "走访时间不能晚于当前时间")
        if not self.db.execute("SELECT 1 FROM household WHERE code = ?", (visit["householdCode"],)).fetchone():
            raise Fault(42203, f"户编码 {visit['householdCode']} 不存在")
        officers = dict(self.db.execute("SELECT staff_number, name FROM officer"))
        if officers and visit["staffNumber"] not in officers:
            raise Fault(42204, f"干部工号 {visit['staffNumber']} 未登记")

    def _next_number(self) -> str:
        last = self.db.execute("SELECT coalesce(max(id), 0) FROM entry").fetchone()[0]
        return f"ZCRH-{self.now().year}-{last + 1:06d}"


def _text(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
