"""The simulated grid centre: its books in one SQLite file and its rules. Knows nothing of SOAP or HTTP."""

import hmac
import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

TIME = "%Y-%m-%d %H:%M:%S"
ACCOUNTS = {"fillonce": "simulated-account-only"}
LEVELS = ("1", "2", "3")
LONGEST = 500
REQUIRED = {
    "title": "事件标题",
    "category": "事件类别",
    "gridCode": "网格编码",
    "occurTime": "发生时间",
    "reporter": "上报人",
    "content": "事件内容",
}
FILED, CLOSED = "已受理", "已撤销"
SCHEMA = """
CREATE TABLE IF NOT EXISTS category (code TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS grid (code TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS event (number TEXT PRIMARY KEY, status TEXT NOT NULL, body TEXT NOT NULL,
    changed_at TEXT NOT NULL, change INTEGER NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS flow (seq INTEGER PRIMARY KEY, serial TEXT NOT NULL, method TEXT NOT NULL,
    number TEXT NOT NULL);
"""
NEXT_CHANGE = "(SELECT coalesce(max(change), 0) + 1 FROM event)"
Body = Mapping[str, Any]


class Declined(Exception):
    """A result code other than success, and its words."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


class Centre:
    """What the centre keeps, and what it declines. A serial is written down with every deed and never compared."""

    def __init__(self, directory: Path, seed: dict[str, Any], now: Callable[[], str]) -> None:
        self.now = now
        directory.mkdir(parents=True, exist_ok=True)
        self.books = sqlite3.connect(directory / "grid_event.sqlite", isolation_level=None)
        self.books.row_factory = sqlite3.Row
        self.books.executescript(SCHEMA)
        for table, named in (("category", "categories"), ("grid", "grids")):
            rows = [(each["code"], each["name"]) for each in seed.get(named, [])]
            self.books.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", rows)  # noqa: S608 - a constant
        if "version" in seed:
            self.write("INSERT OR REPLACE INTO setting VALUES ('version', ?)", seed["version"])
        if not self.one("SELECT 1 FROM event"):
            for each in seed.get("events", []):
                self.enter("seed", "event.report", each)

    def answer(self, method: str, serial: str, body: Body) -> dict[str, Any]:
        """Carry out a request; Declined says why not."""
        event = body.get("event")
        event = event if isinstance(event, dict) else {}
        match method:
            case "event.report":
                self.require(event)
                return self.enter(serial, method, event)
            case "event.update":
                self.require(event)
                return self.change(serial, method, event, FILED)
            case "event.close":
                return self.change(serial, method, event, CLOSED)
            case "event.find":
                return self.find(str(body.get("serial") or ""))
            case "event.changes":
                return self.changes(int(body.get("since") or 0), int(body.get("size") or 100))
            case "category.list":
                return self.categories()
        raise Declined("2000", f"未知的方法：{method}")

    def enter(self, serial: str, method: str, event: Body) -> dict[str, Any]:
        """Enter a new event, whatever its serial: told twice, it has two."""
        filed = self.one("SELECT count(*) AS n FROM flow WHERE method = 'event.report'")["n"]
        number = f"ZZ{self.now()[:10].replace('-', '')}{filed + 1:06d}"
        body = json.dumps(event, ensure_ascii=False)
        with self.books:
            self.write("BEGIN IMMEDIATE")
            sql = f"INSERT INTO event VALUES (?, ?, ?, ?, {NEXT_CHANGE})"  # noqa: S608 - a constant
            self.write(sql, number, event.get("status") or FILED, body, self.now())
            self.write("INSERT INTO flow (serial, method, number) VALUES (?, ?, ?)", serial, method, number)
        return {"event": shown(number, serial, FILED)}

    def change(self, serial: str, method: str, event: Body, status: str) -> dict[str, Any]:
        """Change an event that is still open, or close it."""
        number = str(event.get("eventNo") or "")
        known = self.one("SELECT * FROM event WHERE number = ?", number)
        if not known:
            raise Declined("2004", f"事件不存在：{number}")
        if known["status"] != FILED:
            raise Declined("2005", f"事件{known['status']}，不能再修改")
        body = json.dumps({**json.loads(known["body"]), **event}, ensure_ascii=False)
        with self.books:
            self.write("BEGIN IMMEDIATE")
            sql = f"UPDATE event SET status = ?, body = ?, changed_at = ?, change = {NEXT_CHANGE} WHERE number = ?"  # noqa: S608 - a constant
            self.write(sql, status, body, self.now(), number)
            self.write("INSERT INTO flow (serial, method, number) VALUES (?, ?, ?)", serial, method, number)
        return {"event": shown(number, serial, status)}

    def find(self, serial: str) -> dict[str, Any]:
        """Return every event that was made or changed under a serial."""
        sql = "SELECT DISTINCT event.* FROM flow JOIN event USING (number) WHERE flow.serial = ? ORDER BY number"
        rows = self.books.execute(sql, (serial,)).fetchall()
        if not rows:
            raise Declined("2004", "没有该流水号的事件")
        return {"event": [shown(row["number"], serial, row["status"]) for row in rows]}

    def changes(self, since: int, size: int) -> dict[str, Any]:
        """Return events that changed after a change number, oldest change first."""
        sql = "SELECT * FROM event WHERE change > ? ORDER BY change LIMIT ?"
        rows = self.books.execute(sql, (since, size + 1)).fetchall()
        listed = [{**shown(row["number"], "", row["status"]), "changedAt": row["changed_at"]} for row in rows[:size]]
        last = rows[:size][-1]["change"] if rows else since
        return {"event": listed, "next": str(last), "more": "1" if len(rows) > size else "0"}

    def categories(self) -> dict[str, Any]:
        """Return the categories of today's version."""
        rows = self.books.execute("SELECT * FROM category ORDER BY code").fetchall()
        version = self.one("SELECT value FROM setting WHERE name = 'version'")
        return {"version": version["value"], "category": [{"code": row["code"], "name": row["name"]} for row in rows]}

    def require(self, event: Body) -> None:
        """Decline an event that says too little or says it wrongly."""
        for name, title in REQUIRED.items():
            if not str(event.get(name) or "").strip():
                raise Declined("2001", f"{title}不能为空")
        if not self.one("SELECT 1 FROM category WHERE code = ?", event["category"]):
            raise Declined("2002", f"事件类别不在{self.categories()['version']}版目录内：{event['category']}")
        if not self.one("SELECT 1 FROM grid WHERE code = ?", event["gridCode"]):
            raise Declined("2003", f"网格不存在：{event['gridCode']}")
        if event.get("level", "1") not in LEVELS:
            raise Declined("2001", f"事件级别应为{'、'.join(LEVELS)}：{event['level']}")
        if len(event["content"]) > LONGEST:
            raise Declined("2001", f"事件内容超过{LONGEST}字")
        require_past(event["occurTime"], self.now())

    def received(self) -> list[sqlite3.Row]:
        """Return the latest events with the serials they came under."""
        sql = """SELECT event.*, (SELECT group_concat(method || ' ' || serial, '；') FROM flow
                 WHERE flow.number = event.number) AS serials FROM event ORDER BY change DESC LIMIT 200"""
        return self.books.execute(sql).fetchall()

    def one(self, sql: str, *values: object) -> Any:  # noqa: ANN401 - a row or None
        """Return the first row."""
        return self.books.execute(sql, values).fetchone()

    def write(self, sql: str, *values: object) -> None:
        """Run one statement."""
        self.books.execute(sql, values)


def let_in(head: Body) -> None:
    """Decline an account it does not know."""
    password = ACCOUNTS.get(str(head.get("account")), "")
    if not password or not hmac.compare_digest(password.encode(), str(head.get("password")).encode()):
        raise Declined("1001", "账号或密码错误")


def require_past(written: str, now: str) -> None:
    """Decline a time that is not one or has not come yet."""
    try:
        shaped = datetime.strptime(written, TIME).strftime(TIME)  # noqa: DTZ007 - only its shape is judged
    except ValueError:
        shaped = ""
    if shaped != written:
        raise Declined("2001", "发生时间格式须为 yyyy-MM-dd HH:mm:ss")
    if written > now:
        raise Declined("2001", "发生时间不能晚于当前时间")


def shown(number: str, serial: str, status: str) -> dict[str, str]:
    """Return an event as the interface shows it."""
    return {"eventNo": number, "serial": serial, "status": status}
