"""Removes photos no row names: their sending broke off after the file was whole and before its row (F5).

A file that has a row, or is about to get one, is never removed:

1. That nothing names a photo and that its file goes are one turn at the database; that its file is there and that a row
   names it are another. On SQLite the one writer takes turns, on PostgreSQL there is a lock for each photo. So when the
   same photo is sent again at the very moment its file is removed, either its row comes first and the file stays, or
   the row finds no file: the sender gets a 503 and sends it again. Several processes are no other case.
2. Only files older than a week are looked at. That spares an upload under way this second try; 1. does not rest on it,
   so a clock may be set back (files stay longer) or forward.
3. A photo has its row as soon as it is uploaded, whether or not a Submission ever names it, and rows stay. So photos of
   drafts stay, and so do those of a copy being taken: its rows are read first.
4. What lay there before this database began, or was put back from a copy, is left alone: another database may speak for
   it, such as the one that was replaced. A photo a restore lays down is as new as any other.

Killed at any moment it has removed some files and not others. Power may bring one back; it is found again.
"""

import asyncio
import math
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path

from sqlalchemy import TextClause, text
from sqlmodel import Session

from hub.errors import Problem
from hub.failpoint import passing
from hub.logs import get_logger
from hub.model import Attachment
from hub.store.blobs.keep import blob_path
from hub.store.engine import Store
from hub.store.query import journal, submissions, views
from hub.store.trouble import RETRY_AFTER_SECONDS

log = get_logger(__name__)
TIDY_EVERY = timedelta(minutes=10)
SAFE_AGE = timedelta(days=7)
FOLDERS = 256
"""A turn looks through one of them: a million photos are looked through in two days, four thousand at a time."""
AT_ONCE = 500
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ALONE = text("SELECT pg_advisory_xact_lock(:key)")
_BESIDE_OTHERS = text("SELECT pg_advisory_xact_lock_shared(:key)")
_KEY_DIGITS = 15
"""Of a digest, as many as fit; none of these keys is that of migrations."""


async def tidy(store: Store, data_dir: Path, now: datetime) -> int:
    """Look through the folder whose turn it is by the clock; return how many files were removed."""
    began_at = await store.read(journal.began_at)
    if began_at is None:
        return 0
    turn, before = int(now.timestamp() / TIDY_EVERY.total_seconds()), now - SAFE_AGE
    files = _files(data_dir / "blobs" / f"{turn % FOLDERS:02x}", began_at, before)
    removed = 0
    while page := await asyncio.to_thread(lambda: [*islice(files, AT_ONCE)]):
        named = await store.read(partial(submissions.named_photos, wanted=page))
        for sha256 in page:
            if sha256 not in named:
                path = blob_path(data_dir, sha256)
                removed += await store.write(partial(remove_unnamed, path=path, before=before))
    if removed:
        log.info("photos.tidied", count=removed)
    return removed


def _files(folder: Path, after: datetime, before: datetime) -> Iterator[str]:
    """Yield the photos of a folder that arrived between two moments, as the disk lists them."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if _DIGEST.fullmatch(entry.name) and after.timestamp() < _arrived_at(entry) < before.timestamp():
                yield entry.name


def _arrived_at(file: Path | os.DirEntry[str]) -> float:
    """Return when a file was written; of what is none, or not there any more, not before the end of time."""
    try:
        found = file.stat(follow_symlinks=False)
    except FileNotFoundError:
        return math.inf
    return found.st_mtime if stat.S_ISREG(found.st_mode) else math.inf


def remove_unnamed(session: Session, path: Path, before: datetime) -> bool:
    """Remove a photo's file unless a row names it by now, or it came again since; say whether it was removed."""
    _take_turn(session, path.name, _ALONE)
    if submissions.named_photos(session, [path.name]) or not _arrived_at(path) < before.timestamp():
        return False
    passing("tidy.found")
    path.unlink(missing_ok=True)
    passing("tidy.removed")
    return True


def name_blob(session: Session, data_dir: Path, row: Attachment) -> bool:
    """Let a row name a photo, and say whether that is new; raises Problem when its file was removed just now."""
    _take_turn(session, row.sha256, _BESIDE_OTHERS)
    try:
        # Opened, not looked for: on shared storage a look may be answered from what was known a moment ago.
        blob_path(data_dir, row.sha256).open("rb").close()
    except FileNotFoundError as error:
        raise Problem("store.busy", 503, retry_after=RETRY_AFTER_SECONDS) from error
    return views.add_attachment(session, row)


def _take_turn(session: Session, sha256: str, turn: TextClause) -> None:
    """Let nobody remove a photo while others name it, until this transaction ends; on SQLite there is but one.

    Many may name it at once, and who removes holds one lock only: nobody waits in a circle.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(turn, {"key": int(sha256[:_KEY_DIGITS], 16)})
