"""Databases of released versions, with a Delivery in every state: what an upgrade must bring to its end.

`<revision>.json` is frozen once that revision is released. `python -m tests.faults.released` writes today's, for the
next one: rows in the words of the schema at that revision, times in UTC, bytes in base64.
"""

import base64
import json
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

from alembic import command
from sqlalchemy import Engine, LargeBinary, MetaData, Table

from hub.store.steps import config as steps

FOLDER = Path(__file__).parent
REVISIONS = sorted(file.stem for file in FOLDER.glob("*.json"))
Rows = dict[str, list[dict[str, Any]]]


def dump(database: Path) -> Rows:
    """Return every row of a SQLite database."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        names = [row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: [dict(row) for row in connection.execute(f"SELECT * FROM {name} ORDER BY 1")] for name in names}
    connection.close()
    plain = {name: [{k: _told(v) for k, v in row.items()} for row in found] for name, found in rows.items() if found}
    return {name: plain[name] for name in sorted(plain)}


def _told(value: object) -> object:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def load(engine: Engine, revision: str) -> Rows:
    """Bring an empty database to a released revision and fill it with that revision's rows; return them."""
    rows: Rows = json.loads((FOLDER / f"{revision}.json").read_text(encoding="utf-8"))
    config = steps()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        for table in tables.sorted_tables:
            if rows.get(table.name) and table.name != "alembic_version":
                connection.execute(table.insert(), [_typed(table, row) for row in rows[table.name]])
    return rows


def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as its columns want it."""
    return {name: _value(table.columns[name].type, value) for name, value in row.items()}


def _value(kind: Any, value: Any) -> Any:  # noqa: ANN401 - a column type and its value
    if value is None:
        return None
    if isinstance(kind, LargeBinary):
        return base64.b64decode(value)
    if kind.python_type is datetime:
        return datetime.fromisoformat(f"{value}+00:00")
    return bool(value) if kind.python_type is bool else value
