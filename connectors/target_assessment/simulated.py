"""The simulated assessment office: its exchange table, its books and its rules. Knows nothing of the hub."""

import json
import re
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

TABLE = "kh_progress"
SCHEMA = """
CREATE TABLE IF NOT EXISTS office (name text PRIMARY KEY, body jsonb NOT NULL);
CREATE TABLE IF NOT EXISTS kh_progress (
    id          varchar(200) PRIMARY KEY,
    op          varchar(1)   NOT NULL,
    ref_id      varchar(200),
    unit_code   varchar(20)  NOT NULL,
    target_code varchar(20)  NOT NULL,
    period      varchar(20)  NOT NULL,
    progress    numeric(5, 2),
    content     varchar(500) NOT NULL,
    reporter    varchar(40)  NOT NULL,
    create_time timestamp    NOT NULL DEFAULT localtimestamp,
    sync_flag   smallint     NOT NULL DEFAULT 0,
    sync_msg    varchar(200)
);
"""
OPERATIONS = {"I": "上报", "U": "更正", "D": "撤回"}
Row = dict[str, Any]


class Returned(Exception):
    """A row the office sends back, with its words."""


class Office:
    """What the office knows, and how it reads the rows that others write for it."""

    def __init__(self, conninfo: str, seed: dict[str, Any]) -> None:
        self.books = psycopg.connect(conninfo, autocommit=True, row_factory=dict_row)
        self.books.execute(SCHEMA)
        if seed:
            known = "INSERT INTO office VALUES ('known', %s) ON CONFLICT (name) DO UPDATE SET body = excluded.body"
            self.books.execute(known, [json.dumps(seed)])
        found = self.books.execute("SELECT body FROM office WHERE name = 'known'").fetchone()
        body: dict[str, Any] = found["body"] if found else {}
        self.units = set(body.get("units", []))
        self.targets = {target["code"]: target["unit"] for target in body.get("targets", [])}
        self.locked = set(body.get("lockedPeriods", []))

    def admit(self, account: str, password: str) -> None:
        """Open an account that may read and add rows, and nothing else."""
        if not self.books.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [account]).fetchone():
            made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(account), sql.Literal(password))
            self.books.execute(made)
        self.books.execute(sql.SQL("GRANT SELECT, INSERT ON kh_progress TO {}").format(sql.Identifier(account)))

    def take_in(self) -> None:
        """Read every row nobody has looked at yet, the oldest first, and say in it what came of it."""
        waiting = "SELECT * FROM kh_progress WHERE sync_flag = 0 ORDER BY create_time, id"
        for row in self.books.execute(waiting).fetchall():
            said = "\n".join(self.faults(row))
            verdict = "UPDATE kh_progress SET sync_flag = %s, sync_msg = %s WHERE id = %s"
            self.books.execute(verdict, [2 if said else 1, said or None, row["id"]])

    def faults(self, row: Row) -> Iterator[str]:
        """Yield the first thing wrong with a row."""
        try:
            self.require(row)
        except Returned as words:
            yield str(words)

    def require(self, row: Row) -> None:
        """Return a row that says too little or says it wrongly."""
        if row["op"] not in OPERATIONS:
            raise Returned(f"操作不在目录内：{row['op']}")
        self.require_target(row)
        if row["progress"] is None or not 0 <= row["progress"] <= 100:  # noqa: PLR2004 - per cent
            raise Returned("完成比例须在0到100之间")
        if not row["content"].strip() or not row["reporter"].strip():
            raise Returned("工作进展和填报人不能为空")
        if row["op"] != "I" and not self.stands(row["ref_id"]):
            raise Returned(f"被更正的记录不存在或已撤回：{row['ref_id'] or ''}")

    def require_target(self, row: Row) -> None:
        """Return a row about somebody else's target, or a period that is over."""
        if row["unit_code"] not in self.units:
            raise Returned(f"单位编码不存在：{row['unit_code']}")
        if self.targets.get(row["target_code"]) != row["unit_code"]:
            raise Returned(f"指标编号不属于该单位：{row['target_code']}")
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", row["period"]):
            raise Returned("填报周期格式须为 yyyy-MM")
        if row["period"] in self.locked:
            raise Returned(f"填报周期已锁定：{row['period']}")

    def stands(self, key: str | None) -> bool:
        """Say whether a report was accepted and not taken back since."""
        about = """SELECT op FROM kh_progress
                   WHERE sync_flag = 1 AND (id = %s AND op = 'I' OR ref_id = %s AND op = 'D')"""
        return {row["op"] for row in self.books.execute(about, [key, key]).fetchall()} == {"I"}

    def received(self) -> list[Row]:
        """Return the latest rows."""
        return self.books.execute("SELECT * FROM kh_progress ORDER BY create_time DESC, id DESC LIMIT 200").fetchall()
