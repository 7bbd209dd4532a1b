"""Puts a copy back: photos first, then all rows in one transaction that either happens or does not."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import mkstemp
from zipfile import ZipFile

from sqlalchemy import Connection, Engine, func, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session

from hub.errors import Problem
from hub.failpoint import passing
from hub.model import METADATA, Epoch
from hub.private import close_to_others
from hub.store.backup.archive import KEY, Manifest, open_copy, pieces, verify
from hub.store.backup.rows import load
from hub.store.blobs import blob_path, give_place
from hub.store.engine import lock_file, open_writing
from hub.store.folders import flush_folder, make_folder
from hub.store.migrate import NEWEST, TURN
from hub.store.steps import bring_to, knows

Reckon = Callable[[Session, Epoch], None]
"""Decides what becomes of Deliveries that may have been sent after the copy was taken; same transaction as the rows."""
OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
"""Programs at the database; workers of the server itself, which now and then clean up in any, are in nobody's way."""


@dataclass(frozen=True)
class Restored:
    """What was put back, and where the hub goes on from."""

    manifest: Manifest
    epoch: int


def restore_copy(url: str, data_dir: Path, file: Path, reckon: Reckon, *, at: datetime, force: bool) -> Restored:  # noqa: PLR0913 - each is a thing of its own
    """Put a copy back on either database; raises Problem and changes no row when something is not as it must be.

    What lay there before is refused without `force`; a SQLite file is then kept beside as `.replaced`.
    """
    manifest = verify(file)
    if not knows(manifest.schema):
        raise Problem("store.newer", 503, revision=manifest.schema)
    begun = Epoch(number=manifest.epoch + 1, began_at=at, copied_at=manifest.taken_at, copy_digest=manifest.digest)
    with open_copy(file) as copy:
        filling = _Filling(copy, manifest, begun, reckon)
        if make_url(url).get_backend_name() == "sqlite":
            _into_sqlite(url, data_dir, filling, force=force)
        else:
            _into_postgres(url, data_dir, filling, force=force)
    close_to_others(url, data_dir)
    return Restored(manifest, begun.number)


@dataclass(frozen=True)
class _Filling:
    """Everything an empty database gets."""

    copy: ZipFile
    manifest: Manifest
    epoch: Epoch
    reckon: Reckon

    def lay_photos(self, data_dir: Path) -> None:
        """Put photos and key on the disk, flushed, before a row names them."""
        arriving = data_dir / "blobs" / "arriving"
        make_folder(arriving)
        make_folder(data_dir / "keys")
        damaged = set(self.manifest.missing)
        for name in self.manifest.members:
            kind, _, last = name.partition("/")
            if kind == "blobs" and last not in damaged:
                self._lay(name, arriving, blob_path(data_dir, last), 0o600)
        self._lay(KEY, data_dir / "keys", data_dir / KEY, 0o400)
        (data_dir / "keys").chmod(0o700)

    def _lay(self, name: str, beside: Path, place: Path, mode: int) -> None:
        handle, arrived = mkstemp(dir=beside)
        with os.fdopen(handle, "wb") as file, self.copy.open(name) as member:
            for piece in pieces(member):
                file.write(piece)
            file.flush()
            os.fchmod(handle, mode)
            os.fsync(handle)
        passing("restore.photo")
        give_place(Path(arrived), place)

    def fill(self, connection: Connection) -> None:
        """Fill a database without tables: the copy's schema, its rows, then today's schema, epoch and doubts."""
        bring_to(connection, self.manifest.schema)
        for name, table in self.manifest.tables.items():
            with self.copy.open(f"tables/{name}.jsonl") as lines:
                count = load(connection, name, table.columns, lines)
            if count != table.rows:
                raise Problem("backup.damaged", 422, file=str(self.copy.filename), what=f"tables/{name}.jsonl")
        bring_to(connection, NEWEST)
        with Session(connection, join_transaction_mode="rollback_only") as session:
            session.add(self.epoch.model_copy())
            session.flush()
            self.reckon(session, self.epoch)
            session.flush()
        passing("restore.filled")


def _into_sqlite(url: str, data_dir: Path, filling: _Filling, *, force: bool) -> None:
    """Fill a fresh file beside the old one and give it its name when it is whole."""
    lock = lock_file(url)
    try:
        place = Path(str(make_url(url).database))
        _demand_empty(url, force=force)
        fresh = place.with_name(place.name + ".restoring")
        _remove(fresh)
        filling.lay_photos(data_dir)
        engine = open_writing(f"sqlite:///{fresh}")
        try:
            with engine.begin() as connection:
                filling.fill(connection)
            _demand_whole(engine)
        finally:
            engine.dispose()
        _exchange(fresh, place)
    finally:
        if lock is not None:
            lock.close()


def _demand_whole(engine: Engine) -> None:
    with engine.connect() as connection:
        said = [
            *connection.execute(text("PRAGMA integrity_check")),
            *connection.execute(text("PRAGMA foreign_key_check")),
        ]
    if [tuple(row) for row in said] != [("ok",)]:
        raise Problem("store.damaged", 503)


def _exchange(fresh: Path, place: Path) -> None:
    """Give the new file the old one's name; the old one stays beside, with its log, which must never meet the new."""
    handle = os.open(fresh, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
    passing("restore.exchange")
    old = place.with_name(place.name + ".replaced")
    _remove(old)
    if place.exists():
        os.link(place, old)
        log = place.with_name(place.name + "-wal")
        if log.exists():
            log.rename(old.with_name(old.name + "-wal"))
        place.with_name(place.name + "-shm").unlink(missing_ok=True)
        flush_folder(place.parent)
    passing("restore.log")
    fresh.replace(place)
    flush_folder(place.parent)


def _remove(database: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        database.with_name(database.name + ending).unlink(missing_ok=True)


def _into_postgres(url: str, data_dir: Path, filling: _Filling, *, force: bool) -> None:
    """Empty and fill the database in one transaction; nobody else may be connected."""
    engine = open_writing(url)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": TURN})
            others = connection.execute(text(OTHERS)).scalar_one()
            if others:
                raise Problem("restore.in_use", 409, connections=others)
            _demand_rows_may_go(connection, force=force)
            METADATA.drop_all(connection)
            connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
            filling.lay_photos(data_dir)
            filling.fill(connection)
    finally:
        engine.dispose()


def _demand_empty(url: str, *, force: bool) -> None:
    """Refuse a SQLite file that holds something; one so damaged that nobody can tell holds something."""
    if force or not Path(str(make_url(url).database)).exists():
        return
    engine = open_writing(url)
    try:
        with engine.connect() as connection:
            _demand_rows_may_go(connection, force=False)
    except DatabaseError as error:
        raise Problem("restore.not_empty", 409) from error
    finally:
        engine.dispose()


def _demand_rows_may_go(connection: Connection, *, force: bool) -> None:
    there = set(inspect(connection).get_table_names()) & METADATA.tables.keys()
    rows = sum(
        connection.execute(select(func.count()).select_from(METADATA.tables[name])).scalar_one() for name in there
    )
    if rows and not force:
        raise Problem("restore.not_empty", 409)
