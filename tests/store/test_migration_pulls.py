"""What the step to 0007 makes of an older database: nothing known is lost, codes that were one become one."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, Table, insert
from sqlmodel import Session, select

from hub.model import Alias, Place, PlaceHistory, PullRow
from hub.store.engine import open_writing
from hub.store.migrate import migrate
from hub.store.query import places
from hub.store.steps import bring_to

OLD, NEW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
VILLAGE = "330783005004"


def before(connection: Connection) -> None:
    """A database of 0006: one household of three Systems, and the doubled one a trailing blank made (C05)."""
    tables = MetaData()
    tables.reflect(connection)

    def put(name: str, *rows: dict[str, Any]) -> None:
        connection.execute(insert(Table(name, tables)), list(rows))

    def place(key: str, division: str, name: str) -> dict[str, Any]:
        return {"id": key, "kind": "household", "name": name, "division": division, "token": key, "created_at": OLD}

    def code(issuer: str, written: str, at: str, told_by: str = "", as_of: datetime = OLD) -> dict[str, Any]:
        told_by = told_by or issuer
        return {"issuer": issuer, "code": written, "place_id": at, "is_key": issuer == told_by, "told_by": told_by,
                "as_of": as_of}  # fmt: skip

    def said(at: str, system: str, element: str, value: object, as_of: datetime = OLD) -> dict[str, Any]:
        return {"place_id": at, "element": element, "system": system, "value": value, "as_of": as_of,
                "pull_id": f"run-{system}"}  # fmt: skip

    put("place", place("home", VILLAGE, "幸福路 1 号"), place("double", "", ""), place("alone", "", ""))
    run = {"slot_at": OLD, "started_at": OLD, "outcome": "done", "rows": 1, "left_out": 0, "reason": ""}
    put("pull", *({"id": f"run-{each}", "system": each, "name": "homes", **run} for each in ("doors", "bins")))
    put("alias", code("doors", "D-1", "home"), code("doors", "D-1 ", "double", "bins", NEW),
        code("police", "Ｓ-1", "home", "doors"), code("bins", "B-1", "double"), code("files", "F-1", "alone"),
        code("files", "f-1", "home"))  # fmt: skip
    put("snapshot", said("home", "doors", "household.phone", "19900000101"),
        said("home", "doors", "household.member_count", 4, NEW), said("double", "bins", "bin.last_level", "good"),
        said("home", "files", "household.income_yuan", None))  # fmt: skip


@pytest.mark.case("C05")
def test_values_become_rows_and_doubled_codes_become_one(empty_url: str) -> None:
    engine = open_writing(empty_url)
    with engine.connect() as connection:
        bring_to(connection, "0006")
        connection.commit()
    with engine.begin() as connection:
        before(connection)
    migrate(empty_url)
    with Session(engine) as session:
        codes = {(row.issuer, row.code): (row.place_id, row.is_key, row.row_key) for row in session.exec(select(Alias))}
        assert codes == {
            ("doors", "D-1"): ("home", True, "d-1"), ("police", "Ｓ-1"): ("home", False, "d-1"),
            ("bins", "B-1"): ("double", True, "b-1"), ("files", "f-1"): ("home", True, "f-1"),
        }  # fmt: skip
        rows = {(row.system, row.pull, row.row_key): row for row in session.exec(select(PullRow))}
        assert set(rows) == {("doors", "homes", "d-1"), ("bins", "homes", "b-1"), ("files", "", "f-1")}
        doors = rows["doors", "homes", "d-1"]
        assert doors.known == {"household.phone": "19900000101", "household.member_count": 4}
        assert (doors.codes, doors.since, doors.as_of, doors.digest) == ([["police", "Ｓ-1"]], OLD, NEW, "")
        said = {one.element: (one.value, one.since) for one in places.snapshots(session, ["home"])["home"]}
        assert said == {
            "household.phone": ("19900000101", OLD), "household.member_count": (4, NEW),
            "household.income_yuan": (None, OLD),
        }  # fmt: skip
        lost = {(row.place_id, row.value): (row.fate, row.moved_to) for row in session.exec(select(PlaceHistory))}
        assert lost == {("double", "D-1 "): ("moved", "home"), ("alone", "F-1"): ("moved", "home")}
        named = {row.id: (row.name_key, row.linked_to) for row in session.exec(select(Place))}
        assert named == {"home": ("幸福路1号", None), "double": ("", None), "alone": ("", "home")}
    engine.dispose()
