"""Tidying photos killed at each of its points: no row loses its file, and the next turn does the rest (F5)."""

import asyncio
import hashlib
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from hub.failpoint import POINTS
from hub.model import Attachment
from hub.store import Store, open_store
from hub.store.blobs import blob_path, tidy
from hub.store.blobs.tidy import FOLDERS, TIDY_EVERY
from tests.builders import AT, account
from tests.fifth.ledger_world import ROOT

NOW, LONG_AGO = AT + timedelta(days=30), AT + timedelta(days=1)
TIDYING = tuple(name for name in POINTS if name.startswith("tidy."))
ORPHANS, NAMED = 4, 4
PROCESS = """
import asyncio, sys
from pathlib import Path
from hub.failpoint import arm
from hub.store import open_store
from tests.crash.orders import Acting, read_orders
from tests.crash.test_tidy_killed import sweep

async def main():
    store = open_store(sys.argv[1])
    await sweep(store, Path(sys.argv[2]))
    await store.close()

arm(Acting(read_orders(sys.argv[3])))
asyncio.run(main())
"""


async def sweep(store: Store, data: Path) -> int:
    """Give every folder its turn."""
    return sum([await tidy(store, data, NOW + number * TIDY_EVERY) for number in range(FOLDERS)])


async def prepared(url: str, data: Path) -> None:
    """Photos that lay about for weeks: half of them have rows."""
    store, author = open_store(url), account()
    photos = [b"\xff\xd8\xff" + bytes([number]) * 100 for number in range(ORPHANS + NAMED)]
    for photo in photos:
        path = blob_path(data, hashlib.sha256(photo).hexdigest())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo)
        os.utime(path, (LONG_AGO.timestamp(),) * 2)

    def write(session: Session) -> None:
        session.add(author)
        session.flush()
        for photo in photos[:NAMED]:
            sha256 = hashlib.sha256(photo).hexdigest()
            session.add(Attachment(sha256=sha256, account_id=author.id, media_type="image/jpeg", size_bytes=len(photo),
                                   created_at=LONG_AGO))  # fmt: skip

    await store.write(write)
    await store.close()


async def judged(url: str, data: Path) -> int:
    """Return how many files no row names; every row has its file."""
    store = open_store(url)
    named = set(await store.read(lambda session: list(session.exec(select(Attachment.sha256)))))
    await store.close()
    kept = {path.name for path in (data / "blobs").glob("[0-9a-f][0-9a-f]/*")}
    assert len(named) == NAMED
    assert named <= kept, "a row without its file"
    return len(kept - named)


@pytest.mark.fault("F5")
async def test_tidying_killed_anywhere_has_removed_some_and_goes_on(database_url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    await prepared(database_url, data)
    left = ORPHANS
    for point in TIDYING:
        line = [sys.executable, "-c", PROCESS, database_url, str(data), f"{point}=kill@2"]
        ended = await asyncio.to_thread(
            subprocess.run, line, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False, capture_output=True
        )
        assert ended.returncode == -9, f"{point} was not reached: {ended.stderr.decode()}"
        left -= 2 if point == "tidy.removed" else 1
        assert await judged(database_url, data) == left, point
    assert len(TIDYING) == 2
    store = open_store(database_url)
    assert await sweep(store, data) == left > 0
    await store.close()
    assert await judged(database_url, data) == 0
