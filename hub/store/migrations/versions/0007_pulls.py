# ruff: noqa: ANN401, E501, F401, I001, PLR0915, RUF100 - written by Alembic, reviewed by people, never restyled
"""pulls: rows as last told, codes with a life, open items, whole readings. What was a snapshot is a value of its row."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from hub.model.column import UtcDateTime, new_id
from hub.text import comparable, comparable_name, kept

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

AT_ONCE = 500
OPEN = sa.text("state = 'open'")
SHORT, TEXT, WORDS, ID = sa.String(length=80), sa.String(), sa.Text(), sa.String(length=36)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
INSTANT = UtcDateTime(timezone=True)
Row = dict[str, Any]


def _column(name: str, kind: Any) -> sa.Column[Any]:
    """Return a column; a name that ends in `?` may be empty."""
    return sa.Column(name.rstrip("?"), kind, nullable=name.endswith("?"))


NEW_ALIAS = (
    ("code_key", TEXT), ("issuer", SHORT), ("code", TEXT), ("place_id", ID), ("is_key", sa.Boolean()),
    ("told_by", SHORT), ("pull", SHORT), ("row_key", TEXT), ("since", INSTANT), ("ended_at?", INSTANT),
    ("decided_by", ID),
)  # fmt: skip
OLD_ALIAS = (
    ("issuer", SHORT), ("code", TEXT), ("place_id", ID), ("is_key", sa.Boolean()), ("told_by", SHORT), ("as_of", INSTANT),
)  # fmt: skip
PULL_ROW = (
    ("system", SHORT), ("pull", SHORT), ("row_key", TEXT), ("place_id", ID), ("digest", SHORT), ("codes", JSON),
    ("known", JSON), ("changed", JSON), ("since", INSTANT), ("as_of", INSTANT), ("pull_id", ID),
    ("unread_since?", INSTANT), ("ended_at?", INSTANT), ("decided_by", ID),
)  # fmt: skip
SNAPSHOT = (
    ("place_id", ID), ("element", SHORT), ("system", SHORT), ("value", JSON), ("as_of", INSTANT), ("pull_id", ID),
)  # fmt: skip
HISTORY = (
    ("id", ID), ("at", INSTANT), ("place_id", ID), ("system", SHORT), ("pull", SHORT), ("row_key", TEXT),
    ("element", SHORT), ("issuer", SHORT), ("value", JSON), ("since", INSTANT), ("fate", SHORT), ("moved_to?", ID),
    ("pull_id", ID), ("account_id", ID),
)  # fmt: skip
OPEN_ITEM = (
    ("id", ID), ("system", SHORT), ("pull", SHORT), ("kind", SHORT), ("row_key", TEXT), ("field", TEXT),
    ("value", WORDS), ("reason", SHORT), ("params", JSON), ("place_id?", ID), ("other_place_id?", ID), ("mark", SHORT),
    ("first_at", INSTANT), ("last_at", INSTANT), ("times", sa.Integer()), ("state", SHORT), ("settled_at?", INSTANT),
    ("settled_by", ID), ("why", WORDS),
)  # fmt: skip


def upgrade() -> None:
    connection = op.get_bind()
    _add_columns()
    _name_places(connection)
    _set_aside(connection, "alias", "snapshot")
    _make_tables()
    _fill_aliases(connection)
    _fill_rows(connection)
    _drop_aside(connection, "alias", "snapshot")


def _new(name: str, kind: Any, default: Any = None) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=default is None, server_default=default)


def _added() -> dict[str, list[sa.Column[Any]]]:
    """Return what tables that stay get, by table."""
    whole = sa.Integer()
    return {
        "place": [_new("name_key", TEXT, ""), _new("linked_to", ID), _new("ended_at", INSTANT)],
        "pull": [_new("whole", sa.Boolean(), sa.false()), _new("changed", whole, "0"), _new("ended", whole, "0")],
        "pull_cursor": [
            *(_new(name, INSTANT) for name in ("whole_at", "whole_as_of")),
            *(_new("flow_version", SHORT, ""), _new("distrusted", WORDS, ""), _new("quiet_slots", whole, "0")),
        ],
    }


def _add_columns() -> None:
    for table, columns in _added().items():
        for column in columns:
            op.add_column(table, column)
    op.drop_index("ix_place_division", "place")
    op.create_index("ix_place_division_name_key", "place", ["division", "name_key"], unique=False)


def _make_table(name: str, columns: Iterable[tuple[str, Any]], *key: str, with_rowid: bool = True) -> None:
    """Make a table, and an index where it names a Place; before, such a Place had to be there."""
    place = sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f(f"fk_{name}_place_id_place"))
    primary = sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{name}"))
    keys = [place, primary] if columns in (OLD_ALIAS, SNAPSHOT) else [primary]
    op.create_table(name, *(_column(*each) for each in columns), *keys, sqlite_with_rowid=with_rowid)
    if "place_id" in (each.rstrip("?") for each, _ in columns) and "place_id" not in key:
        op.create_index(f"ix_{name}_place_id", name, ["place_id"], unique=False)


def _make_tables() -> None:
    _make_table("alias", NEW_ALIAS, "code_key", "issuer", with_rowid=False)
    _make_table("pull_row", PULL_ROW, "system", "pull", "row_key", with_rowid=False)
    _make_table("place_history", HISTORY, "id")
    op.create_index("ix_place_history_system_id", "place_history", ["system", "id"], unique=False)
    _make_table("open_item", OPEN_ITEM, "id")
    op.create_index("ix_open_item_system_pull_id", "open_item", ["system", "pull", "id"], unique=False)
    unique = ["system", "pull", "kind", "row_key", "field"]
    op.create_index("uq_open_item_open", "open_item", unique, unique=True, sqlite_where=OPEN, postgresql_where=OPEN)


def _table(name: str, columns: Iterable[tuple[str, Any]]) -> sa.TableClause:
    return sa.table(name, *(sa.column(each.rstrip("?"), kind) for each, kind in columns))


def _set_aside(connection: sa.Connection, *tables: str) -> None:
    for name in tables:
        connection.execute(sa.text(f"CREATE TEMPORARY TABLE {name}_before AS SELECT * FROM {name}"))  # noqa: S608 - our own names
        op.drop_table(name)


def _drop_aside(connection: sa.Connection, *tables: str) -> None:
    for name in tables:
        connection.execute(sa.text(f"DROP TABLE {name}_before"))


def _pages(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Sequence[Any]]:
    """Yield the rows of a query some at a time, without holding all of them."""
    yield from connection.execute(query, execution_options={"yield_per": AT_ONCE}).partitions()


def _name_places(connection: sa.Connection) -> None:
    place, last = _table("place", (("id", ID), ("name", TEXT), ("name_key", TEXT))), ""
    while page := connection.execute(
        sa.select(place.c.id, place.c.name).where(place.c.id > last).order_by(place.c.id).limit(AT_ONCE)
    ).all():
        last = page[-1].id
        named = [{"of": row.id, "compared": comparable_name(row.name)} for row in page]
        change = sa.update(place).where(place.c.id == sa.bindparam("of")).values(name_key=sa.bindparam("compared"))
        connection.execute(change, named)


def _fill_aliases(connection: sa.Connection) -> None:
    """Keep one of the codes that are the same but for case, width and blanks: the one whose Place somebody located."""
    before, alias = _table("alias_before", OLD_ALIAS), _table("alias", NEW_ALIAS)
    place = _table("place", (("id", ID), ("division", SHORT)))
    query = sa.select(before).join(place, place.c.id == before.c.place_id)
    for page in _pages(connection, query.order_by(place.c.division == "", before.c.as_of.desc(), before.c.code)):
        rows: dict[tuple[str, str], Row] = {}
        lost: list[Row] = []
        wanted = {comparable(row.code) for row in page}
        held = connection.execute(sa.select(alias).where(alias.c.code_key.in_(wanted)))
        there = {(row.code_key, row.issuer): row.place_id for row in held}
        for row in page:
            key = (comparable(row.code), row.issuer)
            if key in there:
                lost += [{"row": row, "kept_at": there[key]}] if there[key] != row.place_id else []
                continue
            there[key] = row.place_id
            rows[key] = {
                "code_key": key[0], "issuer": row.issuer, "code": kept(row.code), "place_id": row.place_id,
                "is_key": row.is_key, "told_by": row.told_by, "pull": "", "row_key": "", "since": row.as_of,
                "ended_at": None, "decided_by": "",
            }  # fmt: skip
        if rows:
            connection.execute(sa.insert(alias), list(rows.values()))
        _remember_lost(connection, lost)


def _remember_lost(connection: sa.Connection, lost: list[Row]) -> None:
    """Say of each code that is another one's double where it went; a Place without any other code went with it."""
    history, before = _table("place_history", HISTORY), _table("alias_before", OLD_ALIAS)
    place = _table("place", (("id", ID), ("linked_to", ID)))
    for each in lost:
        row = each["row"]
        told = {"system": row.told_by, "issuer": row.issuer, "value": row.code, "since": row.as_of}
        connection.execute(sa.insert(history), [_moved(row.place_id, each["kept_at"], row.as_of, told)])
        others = sa.select(before.c.code).where(before.c.place_id == row.place_id)
        others = others.where(sa.or_(before.c.code != row.code, before.c.issuer != row.issuer))
        if connection.execute(others.limit(1)).first() is None:
            change = sa.update(place).where(place.c.id == row.place_id).values(linked_to=each["kept_at"])
            connection.execute(change)


def _moved(place_id: str, moved_to: str | None, at: Any, told: Row) -> Row:
    blank = {"pull": "", "row_key": "", "element": "", "issuer": "", "pull_id": "", "account_id": ""}
    return {"id": new_id(), "at": at, "place_id": place_id, "fate": "moved", "moved_to": moved_to} | blank | told


def _fill_rows(connection: sa.Connection) -> None:
    """Make one row of what one pull of a System said of a Place; the next reading merges it again."""
    before = _table("snapshot_before", SNAPSHOT)
    pull = _table("pull", (("id", ID), ("name", SHORT)))
    cursor = _table("pull_cursor", (("system", SHORT), ("name", SHORT)))
    only = {row.system: row.name for row in connection.execute(sa.select(cursor).order_by(cursor.c.name))}
    query = sa.select(before, pull.c.name).outerjoin(pull, pull.c.id == before.c.pull_id)
    waiting: list[Any] = []
    for page in _pages(connection, query.order_by(before.c.place_id, before.c.system, before.c.element)):
        waiting += page
        last = page[-1].place_id
        _write_rows(connection, [row for row in waiting if row.place_id != last], only)
        waiting = [row for row in waiting if row.place_id == last]
    _write_rows(connection, waiting, only)


def _write_rows(connection: sa.Connection, said: list[Any], only: dict[str, str]) -> None:
    if not said:
        return
    alias, target, history = _table("alias", NEW_ALIAS), _table("pull_row", PULL_ROW), _table("place_history", HISTORY)
    codes = connection.execute(sa.select(alias).where(alias.c.place_id.in_({row.place_id for row in said}))).all()
    keys = {
        (row.place_id, row.told_by): row.code_key
        for row in sorted(codes, key=lambda row: row.since)
        if row.is_key and row.issuer == row.told_by
    }
    for (place_id, system, name), found in groupby(said, lambda row: (row.place_id, row.system, row.name)):
        values, pull = list(found), name or only.get(system, "")
        row_key = keys.get((place_id, system), place_id)
        mine = [row for row in codes if row.place_id == place_id and row.told_by == system]
        same = sa.select(target.c.row_key).where(
            target.c.system == system, target.c.pull == pull, target.c.row_key == row_key
        )
        if connection.execute(same).first() is not None:
            row = {"system": system, "pull": pull, "row_key": row_key}
            told = [row | {"element": each.element, "value": each.value, "since": each.as_of} for each in values]
            connection.execute(sa.insert(history), [_moved(place_id, None, each["since"], each) for each in told])
            continue
        since = min(value.as_of for value in values)
        connection.execute(sa.insert(target), [{
            "system": system, "pull": pull, "row_key": row_key, "place_id": place_id, "digest": "",
            "codes": [[row.issuer, row.code] for row in mine if (row.issuer, row.code_key) != (system, row_key)],
            "known": {value.element: value.value for value in values},
            "changed": {value.element: value.as_of.isoformat() for value in values if value.as_of != since},
            "since": since, "as_of": max(value.as_of for value in values), "pull_id": values[-1].pull_id,
            "unread_since": None, "ended_at": None, "decided_by": "",
        }])  # fmt: skip
        told_here = sa.update(alias).where(alias.c.place_id == place_id, alias.c.told_by == system, alias.c.pull == "")
        connection.execute(told_here.values(pull=pull, row_key=row_key))


def downgrade() -> None:
    connection = op.get_bind()
    _set_aside(connection, "alias", "pull_row")
    _make_tables_before()
    _refill_before(connection)
    _drop_aside(connection, "alias", "pull_row")
    op.drop_table("place_history")
    op.drop_table("open_item")
    op.drop_index("ix_place_division_name_key", "place")
    op.create_index("ix_place_division", "place", ["division"], unique=False)
    for table, columns in _added().items():
        for column in columns:
            op.drop_column(table, column.name)


def _make_tables_before() -> None:
    _make_table("alias", OLD_ALIAS, "issuer", "code")
    op.create_index("ix_alias_code", "alias", ["code"], unique=False)
    _make_table("snapshot", SNAPSHOT, "place_id", "element", "system")


def _refill_before(connection: sa.Connection) -> None:
    """Put back what still holds."""
    was, alias = _table("alias_before", NEW_ALIAS), _table("alias", OLD_ALIAS)
    rows, snapshot = _table("pull_row_before", PULL_ROW), _table("snapshot", SNAPSHOT)
    live = sa.select(was.c.issuer, was.c.code, was.c.place_id, was.c.is_key, was.c.told_by, was.c.since)
    names = [name for name, _ in OLD_ALIAS]
    connection.execute(sa.insert(alias).from_select(names, live.where(was.c.ended_at.is_(None))))
    for page in _pages(
        connection, sa.select(rows).where(rows.c.ended_at.is_(None)).order_by(rows.c.place_id, rows.c.as_of)
    ):
        for row in page:
            for element, value in row.known.items():
                there = (
                    snapshot.c.place_id == row.place_id,
                    snapshot.c.element == element,
                    snapshot.c.system == row.system,
                )
                connection.execute(sa.delete(snapshot).where(*there))
                said = {"place_id": row.place_id, "element": element, "system": row.system, "value": value}
                connection.execute(sa.insert(snapshot), [said | {"as_of": row.as_of, "pull_id": row.pull_id}])
