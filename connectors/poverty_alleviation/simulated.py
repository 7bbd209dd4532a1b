"""The simulated monitoring office: its books in one SQLite file, its folders and its rules. Knows nothing of SSH."""

import csv
import io
import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

CHARSET = "gb18030"
TIME = "%Y-%m-%d %H:%M:%S"
RISK_TYPES = ("住房安全", "饮水安全", "义务教育", "基本医疗", "收入骤减", "因灾", "因意外", "其他")
TEXTS = {"内容": "反馈内容", "说明": "说明"}
TIMES = ("走访时间", "发现时间")
PEOPLE = ("走访人", "报告人")
LAYOUTS = (
    ["流水号", "户编号", "走访时间", "走访人", "内容", "操作", "原受理编号"],
    ["流水号", "户编号", "发现时间", "报告人", "风险类型", "说明", "操作", "原受理编号"],
)
RESULT = ["流水号", "结果", "原因", "受理编号"]
EXPORT = ["户编号", "户码", "监测类型", "年人均收入", "成员"]
SCHEMA = """
CREATE TABLE IF NOT EXISTS household (file_number TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entry (number TEXT PRIMARY KEY, file_number TEXT NOT NULL, state TEXT NOT NULL, body TEXT
    NOT NULL);
CREATE TABLE IF NOT EXISTS verdict (key TEXT PRIMARY KEY, result TEXT NOT NULL, reason TEXT NOT NULL, number TEXT NOT
    NULL);
"""
Row = Mapping[str, str]


class Returned(Exception):
    """A row the office sends back, with its words."""


class Office:
    """What the office keeps, reads from `in`, and lays into `out` and `pull`."""

    def __init__(self, directory: Path, seed: dict[str, Any], now: Callable[[], datetime]) -> None:
        self.now = now
        self.root = directory / "sftp"
        for folder in ("in", "out", "pull", "done"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.books = sqlite3.connect(directory / "poverty.sqlite", isolation_level=None)
        self.books.row_factory = sqlite3.Row
        self.books.executescript(SCHEMA)
        for each in seed.get("households", []):
            row = (each["fileNumber"], json.dumps(each, ensure_ascii=False))
            self.books.execute("INSERT OR IGNORE INTO household VALUES (?, ?)", row)

    def take_in(self) -> None:
        """Read every upload whose flag is there; the answer is whole before the upload is cleared away."""
        for flag in sorted((self.root / "in").glob("*.csv.ok")):
            upload = flag.with_suffix("")
            if upload.exists():
                lay(self.root / "out" / f"{upload.stem}.result.csv", [RESULT, *self.judge(upload.read_bytes())])
                upload.replace(self.root / "done" / upload.name)
            flag.unlink()

    def judge(self, upload: bytes) -> list[list[str]]:
        """Return the result rows of an upload; one row without a key when the file as a whole cannot be read."""
        try:
            titles, *lines = csv.reader(io.StringIO(upload.decode(CHARSET), newline=""), strict=True)
            rows = [dict(zip(titles, map(unquoted, line), strict=True)) for line in lines]
        except (ValueError, csv.Error):
            return [["", "退回", "文件无法读取，须为 GB18030 编码的 CSV", ""]]
        if titles not in LAYOUTS:
            return [["", "退回", "表头与约定不符", ""]]
        return [self.verdict(row) for row in rows]

    def verdict(self, row: Row) -> list[str]:
        """Return the verdict on a row; a key that has one keeps it, whatever the row says now."""
        key = row["流水号"]
        earlier = self.one("SELECT * FROM verdict WHERE key = ?", key)
        if earlier:
            return list(earlier)
        with self.books:
            self.books.execute("BEGIN IMMEDIATE")
            try:
                found = (key, "接收", "", self.enter(row))
            except Returned as words:
                found = (key, "退回", str(words), "")
            self.books.execute("INSERT INTO verdict VALUES (?, ?, ?, ?)", found)
        return list(found)

    def enter(self, row: Row) -> str:
        """Enter a row in the books; return its acceptance number."""
        self.require(row)
        operation, body = row["操作"], json.dumps(dict(row), ensure_ascii=False)
        if operation == "新增":
            entries = self.one("SELECT count(*) AS n FROM entry")["n"]
            number = f"FP{self.now():%Y%m%d}{entries + 1:05d}"
            self.books.execute("INSERT INTO entry VALUES (?, ?, '有效', ?)", (number, row["户编号"], body))
            return number
        sql = "SELECT * FROM entry WHERE number = ? AND file_number = ? AND state = '有效'"
        if not self.one(sql, row["原受理编号"], row["户编号"]):
            raise Returned(f"原受理编号不存在或已撤回：{row['原受理编号']}")
        state = "已撤回" if operation == "撤回" else "有效"
        self.books.execute("UPDATE entry SET state = ?, body = ? WHERE number = ?", (state, body, row["原受理编号"]))
        return row["原受理编号"]

    def require(self, row: Row) -> None:
        """Return a row that says too little or says it wrongly."""
        if not row["流水号"]:
            raise Returned("流水号不能为空")
        if not self.one("SELECT 1 FROM household WHERE file_number = ?", row["户编号"]):
            raise Returned("户编号不存在")
        if row["操作"] not in ("新增", "更正", "撤回"):
            raise Returned(f"操作不在目录内：{row['操作']}")
        for title, cell in row.items():
            if title in TIMES:
                require_past(title, cell, self.now().strftime(TIME))
            if title in (*TEXTS, *PEOPLE) and not cell.strip():
                raise Returned(f"{TEXTS.get(title, title)}不能为空")
            if title == "风险类型" and cell not in RISK_TYPES:
                raise Returned(f"风险类型不在目录内：{cell}")

    def export(self) -> None:
        """Lay the day's export into `pull`, once a day."""
        now = self.now()
        if not any((self.root / "pull").glob(f"households_{now:%Y%m%d}*.csv.ok")):
            self.export_as(f"{now:%Y%m%d%H%M%S}")

    def export_as(self, version: str) -> None:
        """Lay an export of a version into `pull`; id numbers leave the house masked only."""
        bodies = self.books.execute("SELECT body FROM household ORDER BY file_number").fetchall()
        lines = [export_line(json.loads(row["body"])) for row in bodies]
        lay(self.root / "pull" / f"households_{version}.csv", [EXPORT, *lines], flag=str(len(lines)))

    def received(self) -> list[sqlite3.Row]:
        """Return the latest verdicts with what they were about."""
        sql = """SELECT verdict.*, entry.state, entry.body FROM verdict LEFT JOIN entry USING (number)
                 ORDER BY verdict.rowid DESC LIMIT 200"""
        return self.books.execute(sql).fetchall()

    def one(self, sql: str, *values: object) -> Any:  # noqa: ANN401 - a row or None
        """Return the first row."""
        return self.books.execute(sql, values).fetchone()


def require_past(title: str, written: str, now: str) -> None:
    """Return a time that is not one or has not come yet."""
    try:
        shaped = datetime.strptime(written, TIME).strftime(TIME)  # noqa: DTZ007 - only its shape is judged
    except ValueError:
        shaped = ""
    if shaped != written:
        raise Returned(f"{title}格式须为 yyyy-MM-dd HH:mm:ss")
    if written > now:
        raise Returned(f"{title}晚于当前时间")


def unquoted(cell: str) -> str:
    """Return a cell without the one quote that keeps a spreadsheet from running it."""
    return cell.removeprefix("'")


def export_line(household: dict[str, Any]) -> list[str]:
    """Return a household as a line of the export."""
    members = ";".join(f"{m['name']}|{m['relation']}|{masked(m['idNumber'])}" for m in household["members"])
    names = ("fileNumber", "householdCode", "monitoredType", "incomeYuan")
    return [*("" if household[name] is None else str(household[name]) for name in names), members]


def masked(id_number: str) -> str:
    """Return an id number with the birth date hidden."""
    return f"{id_number[:6]}********{id_number[-4:]}"


def lay(path: Path, lines: list[list[str]], flag: str = "") -> None:
    """Write a file that is seen whole or not at all, then its flag, which may say something."""
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    part = path.with_name(path.name + ".part")
    part.write_bytes(text.getvalue().encode(CHARSET))
    part.replace(path)
    path.with_name(path.name + ".ok").write_text(flag, "ascii")
