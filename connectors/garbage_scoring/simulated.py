"""The simulated scoring office: its books in one SQLite file and its rules. Knows nothing of HTTP."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

TIME = "%Y-%m-%d %H:%M:%S"
POINTS = {1: 10, 2: 6, 3: 2}
ITEMS = {"FLHL": "分类合理", "ZDTF": "主动投放", "TSQJ": "桶身清洁"}
SCHEMA = """
CREATE TABLE IF NOT EXISTS bin (bin_code TEXT PRIMARY KEY, house_code TEXT NOT NULL, last_level INTEGER,
    checked_this_month INTEGER NOT NULL, updated_at TEXT NOT NULL, change INTEGER NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS score (number TEXT PRIMARY KEY, request_id TEXT NOT NULL, bin_code TEXT NOT NULL,
    day TEXT NOT NULL, points INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (bin_code, day));
CREATE TABLE IF NOT EXISTS request (id TEXT PRIMARY KEY, number TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS removed (bin_code TEXT PRIMARY KEY, updated_at TEXT NOT NULL, change INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS counter (newest INTEGER NOT NULL);
INSERT INTO counter SELECT coalesce(max(change), 0) FROM bin WHERE NOT EXISTS (SELECT 1 FROM counter);
"""
CHANGES = """SELECT bin_code, house_code, last_level, checked_this_month, updated_at, change, 0 AS removed FROM bin
UNION ALL SELECT bin_code, NULL, NULL, NULL, updated_at, change, 1 FROM removed"""


class Declined(Exception):
    """A no of substance: its code, its words, and what it shows beside."""

    def __init__(self, code: str, words: str, **beside: object) -> None:
        super().__init__(words)
        self.body = {"code": code, "msg": words, **beside}


class Office:
    """What the office keeps, and what it declines."""

    def __init__(self, directory: Path, seed: dict[str, Any], now: Callable[[], str]) -> None:
        self.now = now
        directory.mkdir(parents=True, exist_ok=True)
        self.books = sqlite3.connect(directory / "garbage.sqlite", isolation_level=None)
        self.books.row_factory = sqlite3.Row
        self.books.executescript(SCHEMA)
        names = ("binCode", "houseCode", "lastLevel", "checkedThisMonth", "updatedAt")
        for each in seed.get("bins", []):
            if not self.one("SELECT 1 FROM bin WHERE bin_code = ?", each["binCode"]):
                self.enter_bin([each[name] for name in names], self.next_change())

    def store(self, body: dict[str, Any]) -> dict[str, object]:
        """Keep a new score: one per bin and day."""
        require_whole(body, self.now())
        if not self.one("SELECT 1 FROM bin WHERE bin_code = ?", body["binCode"]):
            raise Declined("BIN404", f"桶编码不存在：{body['binCode']}")
        day = body["checkTime"][:10]
        existing = self.one("SELECT * FROM score WHERE bin_code = ? AND day = ?", body["binCode"], day)
        if existing:
            raise Declined("DUP", "一户一桶一天只能评一次", existing=shown_score(existing))
        number = f"KL{day.replace('-', '')}{self.count('score') + 1:05d}"
        row = (number, body["requestId"], body["binCode"], day, points(body), json.dumps(body, ensure_ascii=False))
        with self.books:
            self.write("BEGIN IMMEDIATE")
            self.write("INSERT INTO score VALUES (?, ?, ?, ?, ?, ?)", *row)
            self.note_check(body, number, counted=1)
        return {"number": number, "score": points(body)}

    def change(self, number: str, body: dict[str, Any]) -> dict[str, object]:
        """Change a score: the same bin, on the day of the check only."""
        require_whole(body, self.now())
        score = self.one("SELECT * FROM score WHERE number = ?", number)
        if not score or score["bin_code"] != body["binCode"]:
            raise Declined("SCORE404", f"评分单不存在或不是这只桶的：{number}")
        if not score["day"] == body["checkTime"][:10] == self.now()[:10]:
            raise Declined("DAY", "只能修改当天的评分")
        kept = json.dumps(body, ensure_ascii=False)
        with self.books:
            self.write("BEGIN IMMEDIATE")
            self.write("UPDATE score SET points = ?, body = ? WHERE number = ?", points(body), kept, number)
            self.note_check(body, number, counted=0)
        return {"number": number, "score": points(body)}

    def find(self, request_id: str) -> dict[str, object] | None:
        """Return the score a request made or changed."""
        score = self.one("SELECT score.* FROM request JOIN score USING (number) WHERE request.id = ?", request_id)
        return shown_score(score) if score else None

    def bins(self, after: int, size: int) -> dict[str, object]:
        """Return bins changed or removed after a change number, oldest change first, and the newest number given."""
        sql = f"SELECT * FROM ({CHANGES}) WHERE change > ? ORDER BY change LIMIT ?"  # noqa: S608 - a constant
        found = self.books.execute(sql, (after, size + 1)).fetchall()
        listed = found[:size]
        return {
            "list": [shown_bin(row) for row in listed],
            "next": str(listed[-1]["change"]) if listed else "",
            "more": len(found) > size,
            "newest": str(self.one("SELECT newest FROM counter")["newest"]),
            "total": self.count("bin"),
        }

    def scores(self) -> list[sqlite3.Row]:
        """Return the latest scores."""
        return self.books.execute("SELECT * FROM score ORDER BY rowid DESC LIMIT 200").fetchall()

    def note_check(self, body: dict[str, Any], number: str, *, counted: int) -> None:
        """Remember the request, and carry the check over to its bin: worst level, one more time this month."""
        worst = max(item["level"] for item in body["items"])
        sql = """UPDATE bin SET last_level = ?, checked_this_month = checked_this_month + ?, updated_at = ?, change = ?
                 WHERE bin_code = ?"""
        self.write(sql, worst, counted, self.now(), self.next_change(), body["binCode"])
        self.write("INSERT OR REPLACE INTO request VALUES (?, ?)", body["requestId"], number)

    def enter_bin(self, bin_row: Sequence[object], change: int) -> None:
        """Enter or replace a bin: code, house, last level, checks this month, time of change."""
        self.write("INSERT OR REPLACE INTO bin VALUES (?, ?, ?, ?, ?, ?)", *bin_row, change)
        self.write("DELETE FROM removed WHERE bin_code = ?", bin_row[0])

    def remove_bin(self, bin_code: str) -> None:
        """Take a bin out of use; whoever reads changes is told so."""
        self.write("DELETE FROM bin WHERE bin_code = ?", bin_code)
        self.write("INSERT OR REPLACE INTO removed VALUES (?, ?, ?)", bin_code, self.now(), self.next_change())

    def next_change(self) -> int:
        """Return the number of a new change."""
        return int(self.one("UPDATE counter SET newest = newest + 1 RETURNING newest")["newest"])

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(self.one(f"SELECT count(*) AS n FROM {table}")["n"])  # noqa: S608 - our own table names

    def one(self, sql: str, *values: object) -> Any:  # noqa: ANN401 - a row or None
        """Return the first row."""
        return self.books.execute(sql, values).fetchone()

    def write(self, sql: str, *values: object) -> None:
        """Run one statement."""
        self.books.execute(sql, values)


def require_whole(body: dict[str, Any], now: str) -> None:
    """Decline a score that says too little or says it wrongly."""
    for name in ("binCode", "checker", "checkTime", "requestId"):
        if not isinstance(body.get(name), str) or not body[name].strip():
            raise Declined("PARAM", f"{name} 不能为空")
    require_past(body["checkTime"], now)
    require_items(body.get("items"))
    photos = body.get("photos") or []
    if not isinstance(photos, list) or not all(str(url).startswith(("http://", "https://")) for url in photos):
        raise Declined("PHOTO", "photos 须为图片网址列表")


def require_past(check_time: str, now: str) -> None:
    """Decline a time that is not one or has not come yet."""
    try:
        written = datetime.strptime(check_time, TIME).strftime(TIME)  # noqa: DTZ007 - only its shape is judged
    except ValueError:
        written = ""
    if written != check_time:
        raise Declined("TIME", "checkTime 格式须为 yyyy-MM-dd HH:mm:ss")
    if check_time > now:
        raise Declined("TIME", "检查时间不能晚于当前时间")


def require_items(items: object) -> None:
    """Decline anything but each of the three items once, with a level it knows."""
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Declined("ITEM", "items 不能为空")
    if sorted(str(item.get("code")) for item in items) != sorted(ITEMS):
        raise Declined("ITEM", f"items 须含 {'、'.join(ITEMS)} 各一项")
    for item in items:
        if type(item.get("level")) is not int or item["level"] not in POINTS:
            raise Declined("LEVEL", f"等级只能是 1、2、3：{ITEMS[item['code']]}")


def points(body: dict[str, Any]) -> int:
    """Return the score of a check."""
    return sum(POINTS[item["level"]] for item in body["items"])


def shown_score(score: sqlite3.Row) -> dict[str, object]:
    """Return a score as the interface shows it, with the request that made it."""
    body = json.loads(score["body"])
    own = {name: body[name] for name in ("binCode", "checker", "checkTime")}
    return {"number": score["number"], "score": score["points"], "requestId": score["request_id"], **own}


def shown_bin(row: sqlite3.Row) -> dict[str, object]:
    """Return a bin as the interface shows it; of one that is out of use, only that."""
    if row["removed"]:
        return {"binCode": row["bin_code"], "removed": True, "updatedAt": row["updated_at"]}
    names = ("binCode", "houseCode", "lastLevel", "checkedThisMonth", "updatedAt")
    return dict(zip(names, tuple(row), strict=False))
