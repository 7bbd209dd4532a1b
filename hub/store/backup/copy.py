"""Takes a copy: all tables of one moment, then the photos their rows name, then the file is read back and checked."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Table, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col

from hub.errors import Problem
from hub.failpoint import passing
from hub.model import Attachment
from hub.store.backup.archive import KEY, Manifest, TableCopy, Writing, pieces, verify
from hub.store.backup.rows import copied_tables, kinds_of, lines
from hub.store.blobs import attachment_key, blob_path
from hub.store.engine import open_reading
from hub.store.folders import give_name
from hub.store.migrate import NEWEST, current
from hub.store.query.journal import latest_epoch
from hub.store.trouble import translate


def take_copy(url: str, data_dir: Path, file: Path, now: datetime) -> Manifest:
    """Write a copy beside a running or stopped hub and return what it holds; raises Problem and leaves no file.

    The hub goes on writing meanwhile. Photos are copied after the rows that name them and never removed before, so
    every photo a row names is there.
    """
    if file.exists():
        raise Problem("backup.exists", 409, file=str(file))
    partial = file.with_name(file.name + ".partial")
    try:
        with os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as writing:
            _write(url, data_dir, writing, now)
            writing.flush()
            os.fsync(writing.fileno())
        passing("backup.flushed")
        manifest = verify(partial)
        give_name(partial, file)
    except FileExistsError as error:
        raise Problem("backup.exists", 409, file=str(file)) from error
    except OSError as error:
        raise Problem("backup.not_written", 507, file=str(file), reason=error.strerror or str(error)) from error
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def _write(url: str, data_dir: Path, file: IO[bytes], now: datetime) -> None:
    engine = open_reading(url)
    try:
        with engine.connect() as connection, Writing(file, _begun(connection, now)) as copy:
            for table in copied_tables():
                _add_table(copy, connection, table)
            photos = _photos(connection)
            connection.rollback()  # the moment is caught; a log that cannot be cleared would grow meanwhile
            for sha256, kept_sha256 in photos:
                _add_photo(copy, data_dir, sha256, kept_sha256)
            copy.add(KEY, [attachment_key(data_dir)])
    except DBAPIError as error:
        raise translate(error) from error
    finally:
        engine.dispose()


def _photos(connection: Connection) -> list[tuple[str, str]]:
    """Return name and digest of every photo: of what is kept, which may be less than what was sent and named."""
    sha256 = col(Attachment.sha256)
    kept = func.max(func.coalesce(col(Attachment.kept_sha256), sha256))
    query = select(sha256, kept).group_by(sha256).order_by(sha256)
    return [(name, digest) for name, digest in connection.execute(query)]


def _begun(connection: Connection, now: datetime) -> Manifest:
    if connection.dialect.name == "sqlite" and connection.execute(text("PRAGMA quick_check(1)")).scalar_one() != "ok":
        raise Problem("store.damaged", 503)
    schema = current(connection)
    if schema != NEWEST:
        raise Problem("backup.other_schema", 409, schema=str(schema), program=NEWEST)
    epoch = latest_epoch(Session(connection))
    return Manifest(now, schema, connection.dialect.name, epoch.number if epoch else 1)


def _add_table(copy: Writing, connection: Connection, table: Table) -> None:
    rows = 0

    def counted() -> Iterator[bytes]:
        nonlocal rows
        for line in lines(connection, table):
            rows += 1
            yield line

    copy.add(f"tables/{table.name}.jsonl", counted(), packed=True)
    copy.manifest.tables[str(table.name)] = TableCopy(rows, kinds_of(table))


def _add_photo(copy: Writing, data_dir: Path, sha256: str, kept_sha256: str) -> None:
    try:
        with blob_path(data_dir, sha256).open("rb") as photo:
            member = copy.add(f"blobs/{sha256}", pieces(photo))
    except FileNotFoundError:
        copy.manifest.missing.append(sha256)
        return
    if member.sha256 != kept_sha256:
        copy.manifest.missing.append(sha256)
