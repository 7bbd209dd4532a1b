"""What the simulated 河长制巡河 stores and the rules it stores by; simulator.py puts it on the network."""

import hashlib
import itertools
import json
import secrets
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from math import cos, hypot, radians
from pathlib import Path
from typing import Any

# A simulator's, worth nothing.
APP_ID, SECRET = "fillonce", "demo-river-secret"
BEIJING = timezone(timedelta(hours=8))
NEAR_M = 300
LATE = timedelta(days=15)
MATTER_TYPES = ("水体", "河面", "河中", "河岸", "涉水活动", "排污口", "河长牌", "水工建筑物")
TABLES = """
CREATE TABLE IF NOT EXISTS segment (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS instance (seq INTEGER PRIMARY KEY, instance_id TEXT UNIQUE NOT NULL, id TEXT NOT NULL,
    kind TEXT NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL, received_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS session (token TEXT PRIMARY KEY, expires_at REAL NOT NULL);
"""
Point = tuple[float, float]


class Fault(Exception):
    """A refusal: their code and words."""

    def __init__(self, result: str | int, message: str) -> None:
        super().__init__(message)
        self.result = result


class Register:
    """The system's own storage and rules."""

    def __init__(self, data: Path, token_seconds: float, now: Callable[[], datetime]) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.token_seconds = token_seconds
        self.now = now
        self.db = sqlite3.connect(data / "river_patrol.db", isolation_level=None, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.executescript(TABLES)

    def seed(self, seed: dict[str, Any]) -> None:
        """Take segments in."""
        rows = [(segment["segmentId"], json.dumps(segment)) for segment in seed["segments"]]
        self.db.executemany("INSERT OR REPLACE INTO segment VALUES (?, ?)", rows)

    def remove(self, segment_id: str) -> None:
        """Take a segment off the list."""
        self.db.execute("DELETE FROM segment WHERE id = ?", (segment_id,))

    def issue_token(self, credentials: dict[str, Any]) -> dict[str, Any]:
        """Give a token to the one application it knows."""
        if (credentials.get("app_id"), credentials.get("secret")) != (APP_ID, SECRET):
            raise Fault(4012, "app_id 或 secret 错误")
        token = secrets.token_hex(16)
        self.db.execute("INSERT INTO session VALUES (?, ?)", (token, self.now().timestamp() + self.token_seconds))
        return {"access_token": token, "expires_in": self.token_seconds}

    def check_token(self, token: str) -> None:
        """Refuse a token that is unknown or has expired."""
        found = self.db.execute("SELECT expires_at FROM session WHERE token = ?", (token,)).fetchone()
        if not found or found[0] <= self.now().timestamp():
            raise Fault(4011, "NO_SESSION")

    def keep_patrol(self, patrol: dict[str, Any]) -> dict[str, Any]:
        """Store a patrol once per instanceId; length and duration are its own reckoning."""
        return self._keep("cruise", patrol, self._check_patrol)

    def keep_matter(self, matter: dict[str, Any]) -> dict[str, Any]:
        """Store a matter once per instanceId."""
        return self._keep("matter", matter, self._check_matter)

    def amend_matter(self, matter_id: str, matter: dict[str, Any]) -> dict[str, Any]:
        """Store a changed version of a matter it has."""
        if not self.db.execute("SELECT 1 FROM instance WHERE id = ? AND kind = 'matter'", (matter_id,)).fetchone():
            raise Fault(4021, f"事项 {matter_id} 不存在")
        return self._keep("update", matter, self._check_matter, matter_id)

    def find(self, instance_id: str) -> dict[str, Any]:
        """Return what an instanceId became."""
        row = self.db.execute("SELECT id FROM instance WHERE instance_id = ?", (instance_id,)).fetchone()
        if not row:
            raise Fault(4021, "DATA_NOEXIST")
        return {"id": row[0], "repeated": True}

    def list_segments(self, after: str, size: int) -> dict[str, Any]:
        """Return segments in the order of their ids, `yours` saying whether the application may report on them."""
        found = self.db.execute("SELECT body FROM segment WHERE id > ? ORDER BY id LIMIT ?", (after, size + 1))
        rows = [json.loads(body) for (body,) in found]
        listed = [{**row, "yours": row.pop("granted", True)} for row in rows[:size]]
        total = self.db.execute("SELECT count(*) FROM segment").fetchone()[0]
        return {"version": self._version(), "rows": listed, "more": len(rows) > size, "total": total}

    def list_instances(self) -> list[tuple[str, str, str, str]]:
        """Return the latest 200 of what it keeps: id, kind, content, when it came."""
        return self.db.execute(
            "SELECT id, kind, body, received_at FROM instance ORDER BY seq DESC LIMIT 200"
        ).fetchall()

    def _keep(
        self, kind: str, content: dict[str, Any], check: Callable[[dict[str, Any]], dict[str, Any]], known_as: str = ""
    ) -> dict[str, Any]:
        key = str(content.get("instanceId") or "")
        if not key:
            raise Fault("FAIL", "instanceId 不能为空")
        digest = hashlib.sha256(json.dumps([kind, known_as, content], sort_keys=True).encode()).hexdigest()
        row = self.db.execute("SELECT id, digest FROM instance WHERE instance_id = ?", (key,)).fetchone()
        if row:
            if row[1] != digest:
                raise Fault("FAIL", "instanceId 已存在，但内容不同")
            return {"id": row[0], "repeated": True}
        kept = json.dumps(check(content), ensure_ascii=False)
        number = known_as or self._next_id(kind)
        told_at = self.now().astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
        self.db.execute(
            "INSERT INTO instance (instance_id, id, kind, digest, body, received_at) VALUES (?, ?, ?, ?, ?, ?)",
            (key, number, kind, digest, kept, told_at),
        )
        return {"id": number, "repeated": False}

    def _check_patrol(self, patrol: dict[str, Any]) -> dict[str, Any]:
        segment = self._open_segment(patrol)
        began_at, ended_at = (_read_time(patrol.get(name), name) for name in ("beginTime", "endTime"))
        if ended_at > self.now() + timedelta(minutes=2):
            raise Fault("FAIL", "endTime 不能晚于当前时间")
        if ended_at < self.now() - LATE:
            raise Fault(4112, f"巡河结束已超过{LATE.days}天，不再受理")
        path = [_read_point(point) for point in patrol.get("path") or []]
        for point in path:
            _check_near(point, segment)
        minutes = (ended_at - began_at).total_seconds() / 60
        length_m = sum(_distance_m(a, b) for a, b in itertools.pairwise(path))
        if minutes < segment["minMinutes"]:
            raise Fault("FAIL", f"巡河时长{minutes:.0f}分钟，不足{segment['minMinutes']}分钟")
        if length_m < segment["minLengthM"]:
            raise Fault("FAIL", f"巡河里程{length_m:.0f}米，不足{segment['minLengthM']}米")
        return {**patrol, "duration": round(minutes), "length": round(length_m)}

    def _check_matter(self, matter: dict[str, Any]) -> dict[str, Any]:
        segment = self._open_segment(matter)
        if matter.get("type") not in MATTER_TYPES:
            raise Fault("FAIL", f"问题类型 {matter.get('type')} 不在目录内")
        if not str(matter.get("description") or "").strip():
            raise Fault("FAIL", "问题描述 description 不能为空")
        if matter.get("urgency") not in (0, 1, 2):
            raise Fault("FAIL", "紧急程度 urgency 应为 0、1 或 2")
        if matter.get("source", 4) not in range(5):
            raise Fault("FAIL", "问题来源 source 应为 0 至 4")
        if matter.get("coor"):
            _check_near(_read_point(matter["coor"]), segment)
        return matter

    def _open_segment(self, content: dict[str, Any]) -> dict[str, Any]:
        row = self.db.execute("SELECT body FROM segment WHERE id = ?", (content.get("segmentId"),)).fetchone()
        if not row:
            raise Fault(4021, f"河段 {content.get('segmentId')} 不存在")
        segment: dict[str, Any] = json.loads(row[0])
        if not segment.get("granted", True) or content.get("staffNumber") not in segment["wardens"]:
            raise Fault(4022, f"DATA_REFUSE：{content.get('staffNumber')} 不是河段“{segment['name']}”的巡河人员")
        return segment

    def _version(self) -> str:
        bodies = self.db.execute("SELECT body FROM segment ORDER BY id")
        return hashlib.sha256("".join(body for (body,) in bodies).encode()).hexdigest()[:16]

    def _next_id(self, kind: str) -> str:
        last = self.db.execute("SELECT coalesce(max(seq), 0) FROM instance").fetchone()[0]
        return f"{'XH' if kind == 'cruise' else 'SX'}{self.now():%Y}{last + 1:06d}"


def _read_time(text: object, name: str) -> datetime:
    try:
        return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    except ValueError:
        raise Fault("FAIL", f"{name} 格式应为 yyyy-MM-dd HH:mm:ss") from None


def _read_point(point: Any) -> Point:  # noqa: ANN401 - whatever was sent
    lon, lat = point
    return float(lon), float(lat)


def _check_near(point: Point, segment: dict[str, Any]) -> None:
    path = [_read_point(each) for each in segment["path"]]
    legs = list(itertools.pairwise(path)) or [(path[0], path[0])]
    # It cannot see the reference system; a wrong one shows as a place some 500 m away from the river.
    if min(_distance_to_leg_m(point, *leg) for leg in legs) > NEAR_M:
        raise Fault("FAIL", "坐标不在河段附近，请确认坐标系为GCJ-02")


def _flat(point: Point, origin: Point) -> Point:
    return (point[0] - origin[0]) * 111320 * cos(radians(origin[1])), (point[1] - origin[1]) * 110574


def _distance_m(a: Point, b: Point) -> float:
    return hypot(*_flat(a, b))


def _distance_to_leg_m(point: Point, start: Point, end: Point) -> float:
    (x, y), (leg_x, leg_y) = _flat(point, start), _flat(end, start)
    along = leg_x * leg_x + leg_y * leg_y
    share = min(1.0, max(0.0, (x * leg_x + y * leg_y) / along)) if along else 0.0
    return hypot(x - share * leg_x, y - share * leg_y)
