"""hub backup and hub restore killed at every point: what was there is there still, and again it works (F25)."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from sqlmodel import Session, select

from hub.model import Attachment, Submission
from hub.store import open_store
from hub.store.blobs import keep_blob
from hub.store.query.journal import latest_epoch
from tests.builders import AT, account, submission
from tests.fifth.ledger_world import HubProcess
from tests.pictures import jpeg
from tests.resources.commands import hub_command

PHOTO = jpeg(b"door" * 100)
POINTS = ("restore.photo", "restore.filled", "restore.exchange", "restore.log")


async def grown(hub: HubProcess) -> int:
    """Put one more submission and its photo there; return how many there are."""
    store, author = open_store(hub.database_url), account()
    sha256 = hashlib.sha256(PHOTO).hexdigest()

    async def arriving():  # type: ignore[no-untyped-def]  # noqa: ANN202 - an async generator of bytes
        yield PHOTO

    await keep_blob(hub.home, sha256, arriving())
    mine = submission(author)
    photo = Attachment(
        sha256=sha256, account_id=author.id, media_type="image/jpeg", size_bytes=len(PHOTO), created_at=AT
    )

    def write(session: Session) -> int:
        for row in (author, mine, photo):
            session.add(row)
            session.flush()
        return len(session.exec(select(Submission)).all())

    many = await store.write(write)
    await store.close()
    return many


async def standing(hub: HubProcess) -> tuple[int, int]:
    """How many submissions there are, and in which epoch."""
    store = open_store(hub.database_url)
    many = await store.read(lambda session: len(session.exec(select(Submission)).all()))
    epoch = await store.read(latest_epoch)
    await store.close()
    return many, epoch.number if epoch else 1


@pytest.mark.fault("F25")
async def test_a_killed_restore_changes_nothing_and_can_be_run_again(database_url: str, tmp_path: Path) -> None:
    hub = HubProcess(tmp_path / "hub", 0, 1, database_url)
    hub.write_files()
    copy = str(tmp_path / "copy.zip")
    assert await grown(hub) == 1
    code, said = await hub_command(hub, "backup", copy, orders="backup.flushed=kill")
    assert (code, (tmp_path / "copy.zip").exists()) == (-9, False), said
    assert (await hub_command(hub, "backup", copy))[0] == 0
    assert await grown(hub) == 2
    points = POINTS if database_url.startswith("sqlite") else POINTS[:2]
    for point in points:
        code, said = await hub_command(hub, "restore", copy, "--force", orders=f"{point}=kill")
        assert code == -9, f"{point} was not reached: {said}"
        await asyncio.sleep(0.3)  # PostgreSQL notices a dead client in its own time
        assert await standing(hub) == (2, 1), point
    assert (await hub_command(hub, "restore", copy, "--force"))[0] == 0
    assert await standing(hub) == (1, 2)
